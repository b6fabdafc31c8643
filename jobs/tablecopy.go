package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// CopyTables returns what is known of tables, by database, for a worker to keep elsewhere.
func (q *Queue) CopyTables(ctx context.Context) (map[string][]TableState, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	docs, err := q.rdb.HGetAll(ctx, tablesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("copy the tables: %w", err)
	}
	all := make(map[string][]TableState, len(docs))
	for database, doc := range docs {
		known, err := parseTables(database, doc)
		if err != nil {
			return nil, err
		}
		all[database] = known.Tables
	}
	return all, nil
}

// RestoreTables writes what is known of the tables of databases of which Redis knows nothing.
func (q *Queue) RestoreTables(ctx context.Context, kept map[string][]TableState) error {
	for database, tables := range kept {
		doc, err := json.Marshal(databaseTables{Tables: tables})
		if err == nil {
			err = q.rdb.HSetNX(ctx, tablesKey, database, doc).Err()
		}
		if err != nil {
			return fmt.Errorf("restore the tables of %s: %w", database, err)
		}
	}
	return nil
}

// RebuildTables brings what is known of a database's tables up to date with what was read from the database, unless a job has
// reported since Redis lost its data. How fetches ended is kept where that is known; else a fetch counts as having ended
// well when the newest day was stored.
func (q *Queue) RebuildTables(ctx context.Context, database string, read []TableState, at time.Time) error {
	known, err := q.knownTables(ctx, database)
	if err != nil || known.Fence > 0 {
		return err
	}
	tables := merge(known.Tables, Record{Database: database}, TableReport{Tables: read}, at)
	for i := range tables {
		if t := &tables[i]; t.SucceededAt.IsZero() && t.Job == "" {
			t.SucceededAt = t.FetchedAt
		}
	}
	doc, err := json.Marshal(databaseTables{Tables: tables})
	if err == nil {
		err = q.scripts.tables.Run(ctx, q.rdb, []string{tablesKey}, database, 0, doc).Err()
	}
	if err != nil {
		return fmt.Errorf("rebuild the tables of %s: %w", database, err)
	}
	return nil
}
