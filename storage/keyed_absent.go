package storage

import (
	"context"
	"database/sql"
)

// Absent returns the rows of a keyed table within a scope for which came returns false: the values of the last column of
// their keys. In a table with history, it looks at the current versions only. A table that does not exist has no rows.
func (e *Engine) Absent(ctx context.Context, k Keyed, within *Scope, came func(key string) bool) (absent []string, err error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	quoted, err := quote(k.Name)
	if err != nil {
		return nil, err
	}
	conn, err := e.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if found, err := k.lookUp(ctx, conn); err != nil || found == nil {
		return nil, err
	}
	last := quoteColumn(k.Columns[k.keys()-1].Name)
	rows, err := conn.QueryContext(ctx, "SELECT CAST("+last+" AS VARCHAR) FROM "+quoted+" WHERE "+k.current()+" AND "+within.condition(&k))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var key sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		if !came(string(key)) {
			absent = append(absent, string(key))
		}
	}
	return absent, rows.Err()
}
