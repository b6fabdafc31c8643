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

// Table describes the table that a fetch will fill.
type Table struct {
	Name    string
	Project string
	Filter  string // the events it contains, in any form that the caller compares; "" means all
	Days    day.Range

	Create  bool // it must not exist, unless this job created it
	Replace bool // fill a new table, which Swap renames when it is complete

	// Promote lists properties to promote, in addition to the promoted ones; see [Engine.Promote]. With Replace, the
	// new table also gets the promoted columns of the old one.
	Promote []Promotion

	Job   string
	Fence int64 // see [Engine.Load]
}

// Plan is what a fetch must know before its first request.
type Plan struct {
	Table    string // the table for its windows: Table.Name, or the new table beside it
	Done     []Receipt
	Coverage []Coverage // coverage of the requested days
	Fill     bool       // requested columns must be filled with [Engine.FillNext]
}

// replacing is added to the name of a table that will replace another.
const replacing = "__replacing"

// Prepare prepares the table for a fetch. A second call is harmless: Plan.Done contains what earlier attempts of the
// same job have committed.
//
// Errors with a hint: the table exists although Create is set, or it contains another project or another filter,
// because one table must not mix data.
func (e *Engine) Prepare(ctx context.Context, t Table) (Plan, error) {
	var plan Plan
	if err := CheckTable(t.Name); err != nil {
		return Plan{}, err
	}
	err := e.write(ctx, t.Fence, func(conn *sql.Conn) error {
		if err := refuseForeign(ctx, conn, t.Name); err != nil {
			return err
		}
		var err error
		if plan.Table, err = t.target(ctx, conn); err != nil {
			return err
		}
		found, err := lookUp(ctx, conn, plan.Table)
		if err != nil {
			return err
		}
		if found != nil && t.Replace && found.Job != t.Job {
			if err := drop(ctx, conn, plan.Table); err != nil { // left by a job that did not finish
				return err
			}
			found = nil
		}
		if found != nil && found.kind != events {
			return found.refuse()
		}
		switch {
		case found == nil:
			err = create(ctx, conn, plan.Table, t)
		case found.empty:
			err = adopt(ctx, conn, found, t)
		default:
			err = t.fits(&found.Table)
		}
		if err != nil {
			return err
		}
		if plan.Fill, err = t.promote(ctx, conn, plan.Table, found == nil || found.empty, e.pieceRows); err != nil {
			return err
		}
		if plan.Done, err = receipts(ctx, conn, plan.Table, t.Job); err != nil {
			return err
		}
		plan.Coverage, err = coverage(ctx, conn, t.Name, t.Days)
		return err
	})
	return plan, err
}

// CheckTable returns an error with a hint if name is not a valid table name.
func CheckTable(name string) error {
	if strings.HasSuffix(name, replacing) {
		return fault.Usage("choose another name", "table names ending with %s are used while a table is replaced", replacing)
	}
	_, err := quote(name)
	return err
}

// target returns the name of the table to fill. With Replace it is the new table, unless this job has already swapped
// it in.
func (t *Table) target(ctx context.Context, conn *sql.Conn) (string, error) {
	if !t.Replace {
		return t.Name, nil
	}
	found, err := lookUp(ctx, conn, t.Name)
	if err == nil && found != nil && found.kind != events {
		err = found.refuse()
	}
	if err == nil && found != nil && found.Job == t.Job && t.Job != "" {
		return t.Name, nil
	}
	return t.Name + replacing, err
}

// events is the kind of tables with events.
const events = "events"

// storedTable is an existing table.
type storedTable struct {
	Table
	kind  string // events, or the stream of a keyed table
	empty bool   // no window was ever loaded into it, for example after a fetch without a result
}

// refuse returns the error for a fetch of events into a table with other content.
func (t *storedTable) refuse() error {
	return fault.New(fault.CodeExists, "name another table", "table %s holds %s, not events", t.Name, strings.ReplaceAll(t.kind, "_", " "))
}

// lookUp returns the metadata of a table, or nil if it does not exist.
func lookUp(ctx context.Context, conn *sql.Conn, name string) (*storedTable, error) {
	t := storedTable{Table: Table{Name: name}}
	err := conn.QueryRowContext(ctx, `SELECT type, project, filter, job_id,
			NOT EXISTS (FROM mixduck.receipts AS r WHERE r.table_name = t.table_name)
		FROM mixduck.tables AS t WHERE table_name = ?`, name).Scan(&t.kind, &t.Project, &t.Filter, &t.Job, &t.empty)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &t, err
}

// fits compares an existing table with the requested one.
func (t *Table) fits(found *Table) error {
	const other = "use another table, or refill this one with --replace"
	switch {
	case t.Create && found.Job != t.Job:
		return fault.New(fault.CodeExists, "omit --create, or use another table", "table %s exists", t.Name)
	case found.Project != t.Project:
		return fault.New(fault.CodeExists, other, "table %s contains events of project %s", t.Name, found.Project)
	case found.Filter != t.Filter:
		return fault.New(fault.CodeExists, other, "table %s contains %s, but this fetch requests %s",
			t.Name, describe(found.Filter), describe(t.Filter))
	}
	return nil
}

func describe(filter string) string {
	if filter == "" {
		return "all events"
	}
	return filter
}

// eventColumns are the columns of a table of events. Properties are stored exactly as Mixpanel sent them.
const eventColumns = `(
	event_name   VARCHAR NOT NULL,
	event_time   TIMESTAMP NOT NULL,
	distinct_id  VARCHAR,
	insert_id    VARCHAR,
	properties   JSON NOT NULL USING COMPRESSION zstd,
	day          DATE NOT NULL,
	processed_at TIMESTAMP
)`

func create(ctx context.Context, conn *sql.Conn, name string, t Table) error {
	quoted, err := quote(name)
	if err != nil {
		return err
	}
	if err := refuseForeign(ctx, conn, name); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE "+quoted+" "+eventColumns); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "INSERT INTO mixduck.tables VALUES (?, 'events', ?, ?, ?, ?)",
		name, t.Project, t.Filter, t.Job, time.Now().UTC())
	return err
}

// refuseForeign returns an error if another table or view has this name, in any case.
func refuseForeign(ctx context.Context, conn *sql.Conn, name string) error {
	var taken string
	const foreign = `SELECT table_name FROM information_schema.tables
		WHERE table_schema = 'main' AND lower(table_name) = lower(?1)
		AND (table_name <> ?1 OR table_name NOT IN (SELECT t.table_name FROM mixduck.tables AS t))`
	err := conn.QueryRowContext(ctx, foreign, name).Scan(&taken)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case taken != name:
		return fault.New(fault.CodeExists, "use that name, or another table", "table %s exists with the name %s", name, taken)
	}
	return fault.New(fault.CodeExists, "use another table", "table %s exists and was not created by Mixduck", name)
}

// adopt gives an empty table to t. A fetch of another project left it without data.
func adopt(ctx context.Context, conn *sql.Conn, found *storedTable, t Table) error {
	if found.Project != t.Project || found.Filter != t.Filter {
		if _, err := conn.ExecContext(ctx, "DELETE FROM mixduck.coverage WHERE table_name = ?", found.Name); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, "UPDATE mixduck.tables SET project = ?, filter = ?, job_id = ?, created_at = ? WHERE table_name = ?",
		t.Project, t.Filter, t.Job, time.Now().UTC(), found.Name)
	return err
}

// bookkeeping lists the tables that refer to others by table_name.
var bookkeeping = []string{
	"mixduck.tables", "mixduck.promoted", "mixduck.coverage", "mixduck.receipts", "mixduck.quarantine", "mixduck.time_evidence", "mixduck.keyed",
	"mixduck.verified", "mixduck.changes", "mixduck.property_counts", "mixduck.property_examples", "mixduck.property_descriptions", "mixduck.uncounted",
	"mixduck.filling", "mixduck.unfilled",
}

// drop removes a table and its metadata.
func drop(ctx context.Context, conn *sql.Conn, name string) error {
	quoted, err := quote(name)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "DROP TABLE IF EXISTS "+quoted); err != nil {
		return err
	}
	for _, t := range bookkeeping {
		if _, err := conn.ExecContext(ctx, "DELETE FROM "+t+" WHERE table_name = ?", name); err != nil {
			return err
		}
	}
	return nil
}

// Swap replaces the old table by the one that a Replace has filled, in one transaction. A second call after a crash
// does nothing.
func (e *Engine) Swap(ctx context.Context, table string, fence int64) error {
	old, err := quote(table)
	if err != nil {
		return err
	}
	return e.write(ctx, fence, func(conn *sql.Conn) error {
		found, err := lookUp(ctx, conn, table+replacing)
		if err != nil || found == nil {
			return err
		}
		if err := refuseForeign(ctx, conn, table); err != nil {
			return err
		}
		if err := drop(ctx, conn, table); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %q RENAME TO %s", table+replacing, old)); err != nil {
			return err
		}
		for _, t := range bookkeeping {
			if _, err := conn.ExecContext(ctx, "UPDATE "+t+" SET table_name = ? WHERE table_name = ?", table, table+replacing); err != nil {
				return err
			}
		}
		return nil
	})
}
