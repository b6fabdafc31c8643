package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"mixduck/internal/day"
)

// EventCount is the number of rows of an event.
type EventCount struct {
	Name string
	Rows int64
}

// TopEvents returns at most limit events of a table within r, most frequent first, then by name.
func (e *Engine) TopEvents(ctx context.Context, table string, r day.Range, limit int) ([]EventCount, error) {
	quoted, err := quote(table)
	if err != nil {
		return nil, err
	}
	conn, err := e.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, "SELECT event_name, count(*) AS n FROM "+quoted+
		" WHERE day BETWEEN ? AND ? GROUP BY event_name ORDER BY n DESC, event_name LIMIT ?", r.From.String(), r.To.String(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var top []EventCount
	for rows.Next() {
		var c EventCount
		if err := rows.Scan(&c.Name, &c.Rows); err != nil {
			return nil, err
		}
		top = append(top, c)
	}
	return top, rows.Err()
}

// MissingEvents returns the names that no event of the table within r has, in the given order.
func (e *Engine) MissingEvents(ctx context.Context, table string, r day.Range, names []string) ([]string, error) {
	quoted, err := quote(table)
	if err != nil {
		return nil, err
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	return e.names(ctx, `SELECT asked.name FROM (SELECT unnest(l) AS name, generate_subscripts(l, 1) AS place FROM (SELECT ?::JSON::VARCHAR[] AS l)) AS asked
		ANTI JOIN (SELECT DISTINCT event_name FROM `+quoted+` WHERE day BETWEEN ? AND ?) AS stored ON stored.event_name = asked.name
		ORDER BY place`, string(list), r.From.String(), r.To.String())
}

// maxKnown limits the result of KnownEvents.
const maxKnown = 10_000

// KnownEvents returns the event names of all fetched tables, most frequent first.
func (e *Engine) KnownEvents(ctx context.Context) ([]string, error) {
	tables, err := e.names(ctx, "SELECT table_name FROM mixduck.tables WHERE type = 'events' ORDER BY table_name")
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	parts := make([]string, len(tables))
	for i, table := range tables {
		quoted, err := quote(table)
		if err != nil {
			return nil, err
		}
		parts[i] = "SELECT event_name, count(*) AS n FROM " + quoted + " GROUP BY event_name"
	}
	return e.names(ctx, fmt.Sprintf("SELECT event_name FROM (%s) GROUP BY event_name ORDER BY sum(n) DESC, event_name LIMIT %d",
		strings.Join(parts, " UNION ALL "), maxKnown))
}

// names returns the single column of a query's result.
func (e *Engine) names(ctx context.Context, query string, args ...any) (all []string, err error) {
	rows, err := e.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}
