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

// Table describes the table that a fetch is about to fill.
type Table struct {
	Name    string
	Project string
	Filter  string // which events it holds, in whatever form the caller compares; "" is everything
	Days    day.Range

	Create  bool // it must not exist, unless this job has created it
	Replace bool // fill a new table beside it, which Swap puts in its place

	// Promote are properties that are to have columns of their own, beside those that have one already; see
	// [Engine.Promote]. With Replace, those of the old table are promoted in the new one, too.
	Promote []Promotion

	Job   string
	Fence int64 // see [Engine.Load]
}

// Plan is what a fetch has to know before its first request.
type Plan struct {
	Table    string // where its windows go: the table, or the new one beside it
	Done     []Receipt
	Coverage []Coverage // of the days asked
}

// replacing is what follows the name of a table that is being filled to replace another.
const replacing = "__replacing"

// Prepare makes the table ready to be filled. It is harmless twice: an attempt that goes on finds in Plan.Done what
// earlier ones of the same job have committed.
//
// It refuses, with a hint, a table that exists although Create is set, and one that holds another project or was filled
// with another filter, for one table must not hold two different things.
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
			if err := drop(ctx, conn, plan.Table); err != nil { // left over by a job that has not come to its end
				return err
			}
			found = nil
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
		if err := t.promote(ctx, conn, plan.Table, found == nil || found.empty); err != nil {
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

// CheckTable returns an error, with a hint, if no table can be called name.
func CheckTable(name string) error {
	if strings.HasSuffix(name, replacing) {
		return fault.Usage("choose another name", "table names ending with %s are used while a table is replaced", replacing)
	}
	_, err := quote(name)
	return err
}

// target returns the name of the table that is to be filled: with Replace the one beside t, unless this job has swapped
// it in already.
func (t *Table) target(ctx context.Context, conn *sql.Conn) (string, error) {
	if !t.Replace {
		return t.Name, nil
	}
	found, err := lookUp(ctx, conn, t.Name)
	if err == nil && found != nil && found.Job == t.Job && t.Job != "" {
		return t.Name, nil
	}
	return t.Name + replacing, err
}

// storedTable is a table that is there.
type storedTable struct {
	Table
	empty bool // no window has ever been loaded into it: a fetch that came to nothing has left it
}

// lookUp returns what is known of a table, nil if it is not there.
func lookUp(ctx context.Context, conn *sql.Conn, name string) (*storedTable, error) {
	t := storedTable{Table: Table{Name: name}}
	err := conn.QueryRowContext(ctx, `SELECT project, filter, job_id,
			NOT EXISTS (FROM mixduck.receipts AS r WHERE r.table_name = t.table_name)
		FROM mixduck.tables AS t WHERE table_name = ?`, name).Scan(&t.Project, &t.Filter, &t.Job, &t.empty)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &t, err
}

// fits compares a table with what it is to be filled with.
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

// eventColumns are the columns of a table of events. The properties are kept exactly as Mixpanel sent them.
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

// refuseForeign returns an error if name is taken by a table or view that Mixduck has not made under exactly this name.
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

// adopt hands an empty table over to t. What cannot be had of another project, perhaps this one has.
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

// bookkeeping are the tables that speak of others by table_name.
var bookkeeping = []string{"mixduck.tables", "mixduck.promoted", "mixduck.coverage", "mixduck.receipts", "mixduck.quarantine", "mixduck.time_evidence"}

// drop removes a table and all that is known of it.
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

// Swap puts the table that a Replace has filled in the place of the old one, in one transaction. Called again after a
// crash it finds nothing left to do.
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
