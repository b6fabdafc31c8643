package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"mixduck/internal/fault"
)

// Refill recomputes promoted columns of a table from the JSON: the wanted ones, or all if wanted is empty. It corrects
// columns that older versions filled with other rules. A wanted type of "" means the column's type.
//
// It works in pieces, each in its own transaction. Between pieces the file is closed, so others can use it. On an error,
// or if ctx ends, finished pieces stay. Correct rows are not written, so a second run continues where the first one
// stopped. Report gets the progress before the first piece and after each.
//
// For fence see [Engine.Load]. Errors are those of [Engine.Promote]; columns that are not promoted are also an error.
func Refill(ctx context.Context, cfg Config, table string, wanted []Promotion, fence int64, report func(FillProgress)) error {
	return refillPieces(ctx, cfg, table, wanted, fence, defaultPieceRows, report)
}

func refillPieces(ctx context.Context, cfg Config, table string, wanted []Promotion, fence, maxRows int64, report func(FillProgress)) error {
	var columns []column
	var pieces []piece
	err := withEngine(ctx, cfg, func(e *Engine) (err error) {
		columns, pieces, err = e.planRefill(ctx, table, wanted, fence, maxRows)
		return err
	})
	if err != nil {
		return err
	}
	p := FillProgress{Total: len(pieces)}
	for report(p); p.Done < p.Total; report(p) {
		err := withEngine(ctx, cfg, func(e *Engine) error {
			n, err := e.refill(ctx, table, columns, &pieces[p.Done], fence)
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

// planRefill returns the columns to recompute, and the pieces of the table.
func (e *Engine) planRefill(ctx context.Context, table string, wanted []Promotion, fence, maxRows int64) (columns []column, pieces []piece, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		if columns, err = refillColumns(ctx, conn, table, wanted); err == nil && len(columns) > 0 {
			pieces, err = cut(ctx, conn, table, maxRows)
		}
		return err
	})
	return columns, pieces, err
}

// refillColumns returns the wanted promoted columns.
func refillColumns(ctx context.Context, conn *sql.Conn, table string, wanted []Promotion) ([]column, error) {
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
	stored, err := columnsOf(ctx, conn, table)
	if stored = filled(stored); err != nil || len(wanted) == 0 {
		return stored, err
	}
	columns := make([]column, 0, len(wanted))
	for _, p := range wanted {
		column := findColumn(stored, p.Property)
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

// refill recomputes the columns of a piece in one transaction, and returns the number of changed rows.
func (e *Engine) refill(ctx context.Context, table string, columns []column, within *piece, fence int64) (changed int64, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		if changed, err = fill(ctx, conn, table, columns, within, true); err != nil || changed == 0 {
			return err
		}
		return recordRefill(ctx, conn, table)
	})
	return changed, err
}

// recordRefill stores that columns of a table were recomputed: the receipts of its days do not say that its rows have
// changed. The table is made when it is first needed, because older versions ignore it.
func recordRefill(ctx context.Context, conn *sql.Conn, table string) error {
	const create = "CREATE TABLE IF NOT EXISTS mixduck.refills (table_name VARCHAR NOT NULL, refilled_at TIMESTAMP NOT NULL)"
	if _, err := conn.ExecContext(ctx, create); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "DELETE FROM mixduck.refills WHERE table_name = ?", table); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "INSERT INTO mixduck.refills VALUES (?, ?)", table, time.Now().UTC())
	return err
}
