package storage

import (
	"context"

	"mixduck/internal/day"
)

// EventCount is how often an event occurs.
type EventCount struct {
	Name string
	Rows int64
}

// TopEvents returns the most frequent events of a table within r, at most limit, the most frequent first and those of
// one frequency by name.
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
