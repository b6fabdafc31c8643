package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// refillRows is the approximate number of rows per transaction of [Refill]. A day is never split.
const refillRows = 200_000

// RefillProgress is how far [Refill] is.
type RefillProgress struct {
	Done, Total int   // pieces
	Changed     int64 // rows
}

// Refill recomputes promoted columns of a table from the JSON: the wanted ones, or all if wanted is empty. It corrects
// columns that older versions filled with other rules. A wanted type of "" means the column's type.
//
// It works on pieces of one or more days, each in its own transaction. Between pieces the file is closed, so others
// can use it. On an error, or if ctx ends, finished pieces stay. Correct rows are not rewritten, so a second run
// continues where the first one stopped. Report gets the progress before the first piece and after each.
//
// For fence see [Engine.Load]. Errors are those of [Engine.Promote]; columns that are not promoted are also an error.
func Refill(ctx context.Context, cfg Config, table string, wanted []Promotion, fence int64, report func(RefillProgress)) error {
	return refillPieces(ctx, cfg, table, wanted, fence, refillRows, report)
}

func refillPieces(ctx context.Context, cfg Config, table string, wanted []Promotion, fence, maxRows int64, report func(RefillProgress)) error {
	var columns []Promotion
	var pieces []string
	err := withEngine(ctx, cfg, func(e *Engine) (err error) {
		columns, pieces, err = e.planRefill(ctx, table, wanted, fence, maxRows)
		return err
	})
	if err != nil {
		return err
	}
	p := RefillProgress{Total: len(pieces)}
	for report(p); p.Done < p.Total; report(p) {
		err := withEngine(ctx, cfg, func(e *Engine) error {
			n, err := e.refill(ctx, table, columns, pieces[p.Done], fence)
			p.Changed += n
			return err
		})
		if err != nil {
			return err
		}
		p.Done++
	}
	return nil
}

func withEngine(ctx context.Context, cfg Config, fn func(*Engine) error) error {
	e, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(fn(e), e.Close())
}

// planRefill returns the columns to recompute, and the conditions of the pieces of the table.
func (e *Engine) planRefill(ctx context.Context, table string, wanted []Promotion, fence, maxRows int64) (columns []Promotion, pieces []string, err error) {
	quoted, err := quote(table)
	if err != nil {
		return nil, nil, err
	}
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		if columns, err = refillColumns(ctx, conn, table, wanted); err != nil || len(columns) == 0 {
			return err
		}
		var keyed bool
		err := conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM mixduck.keyed WHERE table_name = ?", table).Scan(&keyed)
		if err != nil {
			return err
		}
		if keyed {
			pieces, err = cutKeyed(ctx, conn, quoted, maxRows)
		} else {
			pieces, err = cutDays(ctx, conn, quoted, maxRows)
		}
		return err
	})
	return columns, pieces, err
}

// refillColumns returns the wanted promoted columns.
func refillColumns(ctx context.Context, conn *sql.Conn, table string, wanted []Promotion) ([]Promotion, error) {
	if err := refuseForeign(ctx, conn, table); err != nil {
		return nil, err
	}
	found, err := lookUp(ctx, conn, table)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fault.New(fault.CodeNotFound, "fetch events or profiles into it first", "unknown table %s", table)
	}
	if err := needProperties(ctx, conn, table); err != nil {
		return nil, err
	}
	stored, err := promoted(ctx, conn, table)
	if err != nil || len(wanted) == 0 {
		return stored, err
	}
	columns := make([]Promotion, 0, len(wanted))
	for _, p := range wanted {
		column := find(stored, p.Property)
		switch {
		case column == nil:
			return nil, fault.Usage("promote it without --refill", "table %s has no promoted column %s", table, p.Property)
		case p.Type != "" && p.Type != column.Type:
			return nil, fault.Usage("remove the type", "table %s has %s promoted as %s, not %s", table, p.Property, column.Type, p.Type)
		}
		columns = append(columns, *column)
	}
	return columns, nil
}

// cutKeyed returns conditions that split a keyed table into pieces of about maxRows, by the last bits of the content
// hash.
func cutKeyed(ctx context.Context, conn *sql.Conn, quoted string, maxRows int64) (pieces []string, err error) {
	var rows int64
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted).Scan(&rows); err != nil {
		return nil, err
	}
	n := int64(1)
	for n*maxRows < rows {
		n *= 2
	}
	for i := range n {
		pieces = append(pieces, fmt.Sprintf("(%s & %d) = %d", contentHash, n-1, i))
	}
	return pieces, nil
}

// cutDays returns conditions that split a table of events into pieces of about maxRows, by days with rows.
func cutDays(ctx context.Context, conn *sql.Conn, quoted string, maxRows int64) (pieces []string, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT day, count(*) FROM "+quoted+" GROUP BY day ORDER BY day")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var days []day.Range
	room := int64(0)
	for rows.Next() {
		var date time.Time
		var n int64
		if err := rows.Scan(&date, &n); err != nil {
			return nil, err
		}
		d := day.Of(date)
		if room -= n; room < 0 {
			days = append(days, day.Range{From: d})
			room = maxRows - n
		}
		days[len(days)-1].To = d
	}
	for _, r := range days {
		pieces = append(pieces, fmt.Sprintf("day BETWEEN '%s' AND '%s'", r.From, r.To))
	}
	return pieces, rows.Err()
}

// refill recomputes the columns of some days in one transaction, and returns the number of changed rows.
func (e *Engine) refill(ctx context.Context, table string, columns []Promotion, within string, fence int64) (changed int64, err error) {
	quoted, err := quote(table)
	if err != nil {
		return 0, err
	}
	values, err := selectStored(columns)
	if err != nil {
		return 0, err
	}
	different := make([]string, len(columns))
	for i, p := range columns {
		different[i] = quoteColumn(p.Property) + " IS DISTINCT FROM " + values[i]
	}
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		query := "SELECT count(*) FROM " + quoted + " WHERE " + within + " AND (" + strings.Join(different, " OR ") + ")"
		if err := conn.QueryRowContext(ctx, query).Scan(&changed); err != nil || changed == 0 {
			return err
		}
		return rewrite(ctx, conn, quoted, columns, within)
	})
	return changed, err
}
