package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// ReportTables stores what a handler knows about a database after an attempt, unless a later turn of the database has
// already reported.
func (q *Queue) ReportTables(ctx context.Context, a *jobs.Attempt, r jobs.TableReport) error {
	known, err := q.knownTables(ctx, a.Record.Database)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(databaseTables{Fence: a.Fence, Tables: jobs.Merge(known.Tables, a.Record, r, q.e.Now())})
	if err != nil {
		return fmt.Errorf("encode the tables of %s: %w", a.Record.Database, err)
	}
	if err := q.e.Scripts.Tables.Run(ctx, q.e.Redis, []string{lanes.TablesKey}, a.Record.Database, a.Fence, doc).Err(); err != nil {
		return fmt.Errorf("write the tables of %s: %w", a.Record.Database, err)
	}
	if r.Unread {
		return nil
	}
	return q.e.WriteDays(ctx, a.Record.Database, a.Fence, a.ReportAllDays(r.Days))
}

// Tables returns the state of all tables, sorted by project, database and name.
func (q *Queue) Tables(ctx context.Context) ([]jobs.TableState, error) {
	docs, err := q.e.Redis.HGetAll(ctx, lanes.TablesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("read the tables: %w", err)
	}
	var all []jobs.TableState
	for database, doc := range docs {
		known, err := parseTables(database, doc)
		if err != nil {
			return nil, err
		}
		all = append(all, known.Tables...)
	}
	slices.SortFunc(all, func(a, b jobs.TableState) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Table, b.Table))
	})
	return all, nil
}

// databaseTables is the stored state of a database. Restored data has fence 0, so any report replaces it.
type databaseTables struct {
	Fence  int64             `json:"fence"` // of the reporting turn
	Tables []jobs.TableState `json:"tables"`
}

func (q *Queue) knownTables(ctx context.Context, database string) (databaseTables, error) {
	doc, err := q.e.Redis.HGet(ctx, lanes.TablesKey, database).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return databaseTables{}, nil
	case err != nil:
		return databaseTables{}, fmt.Errorf("read the tables of %s: %w", database, err)
	}
	return parseTables(database, doc)
}

func parseTables(database, doc string) (known databaseTables, err error) {
	if err := json.Unmarshal([]byte(doc), &known); err != nil {
		return databaseTables{}, fmt.Errorf("tables of %s: %w", database, err)
	}
	return known, nil
}

// CopyTables returns the state of all tables by database, for a worker's own copy.
func (q *Queue) CopyTables(ctx context.Context) (map[string][]jobs.TableState, error) {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	docs, err := q.e.Redis.HGetAll(ctx, lanes.TablesKey).Result()
	if err != nil {
		return nil, fmt.Errorf("copy the tables: %w", err)
	}
	all := make(map[string][]jobs.TableState, len(docs))
	for database, doc := range docs {
		known, err := parseTables(database, doc)
		if err != nil {
			return nil, err
		}
		all[database] = known.Tables
	}
	return all, nil
}

// RestoreTables writes the tables of those databases that Redis does not know.
func (q *Queue) RestoreTables(ctx context.Context, kept map[string][]jobs.TableState) error {
	for database, tables := range kept {
		doc, err := json.Marshal(databaseTables{Tables: tables})
		if err == nil {
			err = q.e.Redis.HSetNX(ctx, lanes.TablesKey, database, doc).Err()
		}
		if err != nil {
			return fmt.Errorf("restore the tables of %s: %w", database, err)
		}
	}
	return nil
}

// RebuildTables updates the state of a database's tables from what was read from the database, unless a job has
// reported since Redis lost its data. Known outcomes of fetches stay. If none is known, a fetch counts as successful
// at the time when the newest day was stored. It also writes the day maps, under the same condition.
func (q *Queue) RebuildTables(ctx context.Context, database string, read []jobs.TableState, days map[string]jobs.Days, at time.Time) error {
	known, err := q.knownTables(ctx, database)
	if err == nil && known.Fence == 0 {
		err = q.rebuildStates(ctx, database, known, read, at)
	}
	if err != nil {
		return err
	}
	return q.e.WriteDays(ctx, database, 0, jobs.DayReport{All: true, Tables: days})
}

func (q *Queue) rebuildStates(ctx context.Context, database string, known databaseTables, read []jobs.TableState, at time.Time) error {
	tables := jobs.Merge(known.Tables, jobs.Record{Database: database}, jobs.TableReport{Tables: read}, at)
	for i := range tables {
		if t := &tables[i]; t.SucceededAt.IsZero() && t.Job == "" {
			t.SucceededAt = t.FetchedAt
		}
	}
	doc, err := json.Marshal(databaseTables{Tables: tables})
	if err == nil {
		err = q.e.Scripts.Tables.Run(ctx, q.e.Redis, []string{lanes.TablesKey}, database, 0, doc).Err()
	}
	if err != nil {
		return fmt.Errorf("rebuild the tables of %s: %w", database, err)
	}
	return nil
}
