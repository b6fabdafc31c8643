package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"mixduck/internal/day"
)

// defaultPieceRows is the approximate number of rows that one transaction fills.
const defaultPieceRows = 200_000

// piece is a part of a table: some days, one of several parts of a day, or of a keyed table.
type piece struct {
	days        *day.Range // nil in a keyed table
	part, parts int64
}

// condition returns the rows of the piece in SQL. It depends only on what a row contains.
func (p piece) condition() string {
	if p.days == nil {
		return fmt.Sprintf("(%s & %d) = %d", contentHash, p.parts-1, p.part)
	}
	days := fmt.Sprintf("day BETWEEN '%s' AND '%s'", p.days.From, p.days.To)
	if p.parts == 1 {
		return days
	}
	return fmt.Sprintf("%s AND abs(epoch_us(event_time) // 1000000) %% %d = %d", days, p.parts, p.part)
}

// cut divides the rows of a table into pieces of about maxRows.
func cut(ctx context.Context, conn *sql.Conn, table string, maxRows int64) ([]piece, error) {
	quoted, err := quote(table)
	if err != nil {
		return nil, err
	}
	var keyed bool
	if err := conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM mixduck.keyed WHERE table_name = ?", table).Scan(&keyed); err != nil {
		return nil, err
	}
	if keyed {
		return cutKeyed(ctx, conn, quoted, maxRows)
	}
	return cutDays(ctx, conn, quoted, maxRows)
}

// cutKeyed divides a keyed table by the last bits of the content hash.
func cutKeyed(ctx context.Context, conn *sql.Conn, quoted string, maxRows int64) (pieces []piece, err error) {
	var rows int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted).Scan(&rows); err != nil || rows == 0 {
		return nil, err
	}
	n := int64(1)
	for n*maxRows < rows {
		n *= 2
	}
	for i := range n {
		pieces = append(pieces, piece{part: i, parts: n})
	}
	return pieces, nil
}

// cutDays divides a table of events by days with rows, and long days by seconds.
func cutDays(ctx context.Context, conn *sql.Conn, quoted string, maxRows int64) (pieces []piece, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT day, count(*) FROM "+quoted+" GROUP BY day ORDER BY day")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	room := int64(0) // in the last piece
	for rows.Next() {
		var date time.Time
		var n int64
		if err := rows.Scan(&date, &n); err != nil {
			return nil, err
		}
		d := day.Of(date)
		if room -= n; room >= 0 {
			pieces[len(pieces)-1].days.To = d
			continue
		}
		parts := (n + maxRows - 1) / maxRows
		for i := range parts {
			pieces = append(pieces, piece{days: &day.Range{From: d, To: d}, part: i, parts: parts})
		}
		if room = maxRows - n; parts > 1 {
			room = 0
		}
	}
	return pieces, rows.Err()
}

// storeUnfilled records the pieces in which the columns of a table are to be filled.
func storeUnfilled(ctx context.Context, conn *sql.Conn, table string, pieces []piece) error {
	if _, err := conn.ExecContext(ctx, "DELETE FROM mixduck.unfilled WHERE table_name = ?", table); err != nil {
		return err
	}
	for _, p := range pieces {
		var from, to any
		if p.days != nil {
			from, to = p.days.From.String(), p.days.To.String()
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO mixduck.unfilled VALUES (?, ?, ?, ?, ?)", table, from, to, p.part, p.parts); err != nil {
			return err
		}
	}
	return nil
}

// nextUnfilled returns the first piece that is not filled, or nil.
func nextUnfilled(ctx context.Context, conn *sql.Conn, table string) (*piece, error) {
	var p piece
	var from, to sql.NullTime
	err := conn.QueryRowContext(ctx, `SELECT from_day, to_day, part, parts FROM mixduck.unfilled WHERE table_name = ?
		ORDER BY from_day DESC, part LIMIT 1`, table).Scan(&from, &to, &p.part, &p.parts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if from.Valid {
		p.days = &day.Range{From: day.Of(from.Time), To: day.Of(to.Time)}
	}
	return &p, err
}

// FillNext fills the columns of a table in about 200,000 rows, in one transaction. left is the number of pieces that it
// must be called for again. If there are none, another transaction gives the columns their names. For fence see
// [Engine.Load].
func (e *Engine) FillNext(ctx context.Context, table string, fence int64) (rows int64, left int, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		p, err := nextUnfilled(ctx, conn, table)
		if err != nil || p == nil {
			return err
		}
		all, err := columnsOf(ctx, conn, table)
		if err != nil {
			return err
		}
		if rows, err = fill(ctx, conn, table, all, p, false); err != nil {
			return err
		}
		const done = "DELETE FROM mixduck.unfilled WHERE table_name = ? AND from_day IS NOT DISTINCT FROM ?::DATE AND part = ?"
		if _, err := conn.ExecContext(ctx, done, table, p.from(), p.part); err != nil {
			return err
		}
		return conn.QueryRowContext(ctx, "SELECT count(*) FROM mixduck.unfilled WHERE table_name = ?", table).Scan(&left)
	})
	if err != nil || left > 0 {
		return rows, left, err
	}
	return rows, 0, e.write(ctx, fence, func(conn *sql.Conn) error {
		all, err := columnsOf(ctx, conn, table)
		if err != nil {
			return err
		}
		return finishFilling(ctx, conn, table, all)
	})
}

// from returns the first day of the piece for a statement, or nil.
func (p piece) from() any {
	if p.days == nil {
		return nil
	}
	return p.days.From.String()
}

// fill computes columns in a piece, or with check only those values that differ from what is stored. It returns the
// number of rows. Without check, it computes only the columns that are not filled.
//
// An UPDATE writes only the segments of these columns. In one transaction for a large table it would need memory that
// grows with the table (docs/adr/0008-promoted-columns.md).
func fill(ctx context.Context, conn *sql.Conn, table string, columns []column, p *piece, check bool) (int64, error) {
	quoted, err := quote(table)
	if err != nil {
		return 0, err
	}
	values, err := selectStored(promotions(columns))
	if err != nil {
		return 0, err
	}
	var set, different []string
	for i, c := range columns {
		if check || c.filling {
			set = append(set, quoteColumn(c.name())+" = "+values[i])
			different = append(different, quoteColumn(c.name())+" IS DISTINCT FROM "+values[i])
		}
	}
	if len(set) == 0 {
		return 0, nil
	}
	query := "UPDATE " + quoted + " SET " + strings.Join(set, ", ") + " WHERE " + p.condition()
	if check {
		query += " AND (" + strings.Join(different, " OR ") + ")"
	}
	return affected(conn.ExecContext(ctx, query))
}

// finishFilling ends the promotion of columns that are filled in all rows: it gives them their names.
func finishFilling(ctx context.Context, conn *sql.Conn, table string, all []column) error {
	for _, c := range all {
		if !c.filling {
			continue
		}
		was := c.name()
		c.filling = false
		if err := renameColumn(ctx, conn, table, was, c.name()); err != nil {
			return err
		}
		if err := forgetColumn(ctx, conn, table, c.Property); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, "INSERT INTO mixduck.promoted VALUES (?, ?, ?, ?, current_date, NULL)", table, c.Property, string(c.Type), c.auto)
		if err != nil {
			return err
		}
	}
	return nil
}

// alter changes the definition of a table.
func alter(ctx context.Context, conn *sql.Conn, table, change string) error {
	quoted, err := quote(table)
	if err == nil {
		_, err = conn.ExecContext(ctx, "ALTER TABLE "+quoted+" "+change)
	}
	return err
}

// forgetColumn deletes what is known about the column of a property.
func forgetColumn(ctx context.Context, conn *sql.Conn, table, property string) error {
	for _, from := range []string{"mixduck.promoted", "mixduck.filling"} {
		if _, err := conn.ExecContext(ctx, "DELETE FROM "+from+" WHERE table_name = ? AND property = ?", table, property); err != nil {
			return err
		}
	}
	return nil
}
