package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
)

// readModel reads the views that exist, and what they are about. To extend the model, call readNames, too.
func readModel(ctx context.Context, conn *sql.Conn) (*model, error) {
	m := &model{tables: map[string]*modelTable{}, taken: map[string]bool{}, reserved: map[string]bool{}}
	if err := m.readTables(ctx, conn); err != nil {
		return nil, err
	}
	err := m.readColumns(ctx, conn)
	return m, err
}

// readNames reads the names that new views cannot have.
func (m *model) readNames(ctx context.Context, conn *sql.Conn) error {
	marks, err := viewMarks(ctx, conn, modelSchema)
	if err != nil {
		return err
	}
	for name := range marks { // also those of other people
		m.taken[name] = true
	}
	words, err := textPairs(ctx, conn, "SELECT keyword_name, keyword_category FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'")
	for word := range words {
		m.reserved[word] = true
	}
	return err
}

// readTables reads the tables with properties.
func (m *model) readTables(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, `SELECT t.table_name, t.type = 'events', coalesce(k.history, false), c.column_name
		FROM mixduck.tables AS t JOIN duckdb_columns() AS c ON c.table_name = t.table_name LEFT JOIN mixduck.keyed AS k ON k.table_name = t.table_name
		WHERE c.database_name = current_database() AND c.schema_name = 'main' AND NOT ends_with(t.table_name, ?)
		ORDER BY t.table_name, c.column_index`, replacing)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, column string
		var isEvents, history bool
		if err := rows.Scan(&table, &isEvents, &history, &column); err != nil {
			return err
		}
		columns[table] = append(columns[table], column)
		t := &modelTable{current: "true", stored: map[string]bool{"$last_seen": true}}
		switch {
		case isEvents:
			t.stored = map[string]bool{"time": true, "distinct_id": true, "$insert_id": true, "mp_processing_time_ms": true}
		case history:
			t.current = "valid_to IS NULL"
		}
		m.tables[table] = t
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for name, t := range m.tables {
		if t.promoted, err = columnsOf(ctx, conn, name); err != nil {
			return err
		}
		has := false
		for _, column := range columns[name] {
			has = has || column == "properties"
			if t.isCommon(column) {
				t.common = append(t.common, column)
			}
		}
		if !has {
			delete(m.tables, name)
		}
	}
	return nil
}

// readColumns reads the columns of the views.
func (m *model) readColumns(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "SELECT table_name, event_name, view_name, property, column_name, type FROM mixduck.model_columns ORDER BY position")
	if err != nil {
		return err
	}
	defer rows.Close()
	byName := map[string]*modelView{}
	for rows.Next() {
		var v modelView
		var c modelColumn
		if err := rows.Scan(&v.table, &v.event, &v.name, &c.property, &c.name, &c.typ); err != nil {
			return err
		}
		if byName[v.name] == nil {
			byName[v.name] = &v
			m.views = append(m.views, &v)
			m.taken[v.name] = true
		}
		if known := byName[v.name]; c.name != "" {
			known.columns = append(known.columns, c)
		}
	}
	return rows.Err()
}

// store replaces the columns of the views. [syncModel] creates the views.
func (m *model) store(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "DELETE FROM mixduck.model_columns"); err != nil {
		return err
	}
	return appendRows(ctx, conn, "", "mixduck", "model_columns", func(yield func([]driver.Value) bool) {
		position := int64(0)
		for _, v := range m.views {
			columns := v.columns
			if len(columns) == 0 {
				columns = []modelColumn{{}} // stands for the view
			}
			for _, c := range columns {
				var event driver.Value
				if v.event.Valid {
					event = v.event.String
				}
				position++
				if !yield([]driver.Value{v.table, event, c.property, v.name, c.name, c.typ, position}) {
					return
				}
			}
		}
	})
}

// seenProperties returns the properties of all events and keyed tables.
func seenProperties(ctx context.Context, conn *sql.Conn) (map[modelGroup][]seenProperty, error) {
	rows, err := conn.QueryContext(ctx, `SELECT c.table_name, c.event_name, c.property, sum(c.row_count)::BIGINT, string_agg(DISTINCT c.json_type, ',')
		FROM mixduck.property_counts AS c JOIN mixduck.tables AS t ON t.table_name = c.table_name
		WHERE c.property IS NOT NULL AND (t.type <> 'events' OR c.event_name IS NOT NULL) GROUP BY ALL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	seen := map[modelGroup][]seenProperty{}
	for rows.Next() {
		var g modelGroup
		var p seenProperty
		var kinds string
		if err := rows.Scan(&g.table, &g.event, &p.name, &p.rows, &kinds); err != nil {
			return nil, err
		}
		p.kinds = strings.Split(kinds, ",")
		seen[g] = append(seen[g], p)
	}
	return seen, rows.Err()
}

// syncModel makes the views those of mixduck.model_columns, after whatever has changed the tables.
func syncModel(ctx context.Context, conn *sql.Conn) error {
	var stored bool
	if err := conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM mixduck.model_columns").Scan(&stored); err != nil || !stored {
		return err
	}
	return makeViews(ctx, conn)
}

// makeViews creates missing and outdated views, and drops those without columns or table. It does not touch tables and
// views of other programs.
func makeViews(ctx context.Context, conn *sql.Conn) error {
	marks, err := viewMarks(ctx, conn, modelSchema)
	if err != nil {
		return err
	}
	m, err := readModel(ctx, conn)
	if err != nil {
		return err
	}
	descriptions, err := modelDescriptions(ctx, conn)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+modelSchema); err != nil {
		return err
	}
	for _, v := range m.views {
		t := m.tables[v.table]
		if t == nil {
			continue
		}
		statements, mark := v.statements(t, descriptions[v.modelGroup])
		have, exists := marks[strings.ToLower(v.name)]
		if delete(marks, strings.ToLower(v.name)); have == mark || exists && !strings.HasPrefix(have, compatMark) {
			continue
		}
		for _, s := range statements {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("view %s.%s: %w", modelSchema, v.name, err)
			}
		}
	}
	for name, mark := range marks {
		if !strings.HasPrefix(mark, compatMark) {
			continue
		}
		if _, err := conn.ExecContext(ctx, "DROP VIEW "+modelSchema+"."+quoteAny(name)); err != nil {
			return err
		}
	}
	return nil
}

// modelDescriptions returns Lexicon's descriptions of properties.
func modelDescriptions(ctx context.Context, conn *sql.Conn) (map[modelGroup]map[string]string, error) {
	rows, err := conn.QueryContext(ctx, `SELECT t.table_name, if(t.type = 'events', d.event_name, NULL), d.property, min(d.description)
		FROM mixduck.property_descriptions AS d JOIN mixduck.tables AS t ON t.project = d.project AND d.kind = if(t.type = 'events', 'event', 'profile')
		GROUP BY ALL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[modelGroup]map[string]string{}
	for rows.Next() {
		var g modelGroup
		var property, description string
		if err := rows.Scan(&g.table, &g.event, &property, &description); err != nil {
			return nil, err
		}
		if all[g] == nil {
			all[g] = map[string]string{}
		}
		all[g][property] = description
	}
	return all, rows.Err()
}

// countSome counts some of the properties that older versions have loaded. left reports whether there may be more.
func (e *Engine) countSome(ctx context.Context, fence int64) (left bool, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		names, err := textPairs(ctx, conn, `SELECT u.table_name, if(bool_or(u.day IS NOT NULL), 'events', if(bool_or(k.history), 'valid_to IS NULL', 'true'))
			FROM mixduck.uncounted AS u LEFT JOIN mixduck.keyed AS k USING (table_name) GROUP BY ALL`)
		if err != nil {
			return err
		}
		left = len(names) > 0
		for name, current := range names {
			if current == events {
				err = countOlder(ctx, conn, name, defaultPieceRows)
			} else {
				err = countKeyed(ctx, conn, name, current)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return left, err
}

// countKeyed counts the properties of a keyed table.
func countKeyed(ctx context.Context, conn *sql.Conn, name, current string) error {
	quoted, err := quote(name)
	if err != nil {
		return err
	}
	p := newPropertyCounts()
	if err := needProperties(ctx, conn, name); err == nil {
		if p, err = countProperties(ctx, conn, quoted, true, current); err != nil {
			return err
		}
	}
	return replaceProperties(ctx, conn, name, nil, p, false)
}
