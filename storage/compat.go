package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

//go:embed compat/*.sql
var compatFiles embed.FS

// compatSchema is a schema of views with the names and columns of other programs. A separate schema keeps these names
// free for tables.
const compatSchema = "compat"

// compatViews are the views, each with the table that it reads.
var compatViews = []compatName{
	{"original_events", events, events},
	{"mp_master_event", events, events},
	{"event", events, events},
	{"mp_people_data", "profiles", "profiles"},
	{"people", "profiles", "profiles"},
}

type compatName struct{ name, table, kind string }

// compatMark is the start of the comment of views created by Mixduck. A hash of the definition follows.
const compatMark = "created by Mixduck, "

// syncCompat creates missing views, and drops those without a table. It does not touch tables and views of other
// programs.
func syncCompat(ctx context.Context, conn *sql.Conn) error {
	stored, err := viewMarks(ctx, conn, compatSchema)
	if err != nil {
		return err
	}
	wanted, err := compatWanted(ctx, conn)
	if err != nil {
		return err
	}
	current := func(name string) bool { return stored[name] == wanted[name].comment() }
	if !slices.ContainsFunc(compatViews, func(v compatName) bool { return !current(v.name) }) {
		return nil
	}
	if len(wanted) > 0 {
		if _, err := conn.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+compatSchema); err != nil {
			return err
		}
	}
	for _, v := range compatViews {
		have, exists := stored[v.name]
		if current(v.name) || exists && !strings.HasPrefix(have, compatMark) {
			continue
		}
		if exists {
			if _, err := conn.ExecContext(ctx, "DROP VIEW "+compatSchema+"."+v.name); err != nil {
				return err
			}
		}
		if err := wanted[v.name].create(ctx, conn, v.name); err != nil {
			return err
		}
	}
	return nil
}

// viewMarks returns the comment of each table and view in a schema, by its name in lower case; "" for tables.
func viewMarks(ctx context.Context, conn *sql.Conn, schema string) (map[string]string, error) {
	return textPairs(ctx, conn, `SELECT lower(view_name), coalesce(comment, '') FROM duckdb_views()
			WHERE database_name = current_database() AND lower(schema_name) = ?1
		UNION ALL SELECT lower(table_name), '' FROM duckdb_tables()
			WHERE database_name = current_database() AND lower(schema_name) = ?1`, schema)
}

// compatView is the SELECT of a view; "" for a view that must not exist.
type compatView string

func (v compatView) comment() string {
	if v == "" {
		return ""
	}
	return fmt.Sprintf("%s%016x", compatMark, xxh3.HashString(string(v)))
}

func (v compatView) create(ctx context.Context, conn *sql.Conn, name string) error {
	if v == "" {
		return nil
	}
	if _, err := conn.ExecContext(ctx, "CREATE VIEW "+compatSchema+"."+name+" AS "+string(v)); err != nil {
		return fmt.Errorf("view %s.%s: %w", compatSchema, name, err)
	}
	_, err := conn.ExecContext(ctx, "COMMENT ON VIEW "+compatSchema+"."+name+" IS "+text(v.comment()))
	return err
}

// compatWanted returns the views for the tables that exist and have all columns, with their types: a table changed by
// somebody must not fail a load.
func compatWanted(ctx context.Context, conn *sql.Conn) (map[string]compatView, error) {
	tables, err := textPairs(ctx, conn, `SELECT t.table_name || ' ' || t.type, if(bool_or(k.history), 'valid_to IS NULL', 'true')
		FROM mixduck.tables AS t LEFT JOIN mixduck.keyed AS k USING (table_name)
		JOIN (
			SELECT table_name, list(column_name || ' ' || data_type) AS names FROM duckdb_columns()
			WHERE database_name = current_database() AND schema_name = 'main' GROUP BY table_name
		) AS c USING (table_name)
		WHERE list_has_all(c.names, if(t.type = 'events',
			['event_name VARCHAR', 'event_time TIMESTAMP', 'distinct_id VARCHAR', 'insert_id VARCHAR', 'properties JSON', 'day DATE', 'processed_at TIMESTAMP'],
			['distinct_id VARCHAR', 'properties JSON', 'last_seen TIMESTAMP']))
		GROUP BY ALL`)
	if err != nil {
		return nil, err
	}
	original, err := compatFiles.ReadFile("compat/original_events.sql")
	if err != nil {
		return nil, err
	}
	wanted := map[string]compatView{}
	for _, v := range compatViews {
		condition, ok := tables[v.table+" "+v.kind]
		if !ok {
			continue
		}
		definition, err := compatFiles.ReadFile("compat/" + v.name + ".sql")
		if err != nil {
			return nil, err
		}
		fill := strings.NewReplacer("{current}", condition, "{original_events}", string(original))
		wanted[v.name] = compatView(fill.Replace(string(definition)))
	}
	return wanted, nil
}

// textPairs returns the rows of a query with two columns.
func textPairs(ctx context.Context, conn *sql.Conn, query string, args ...any) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	return all, rows.Err()
}
