package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/internal/fault"
)

// Keyed describes a table with a key, such as profiles.
type Keyed struct {
	Name    string
	Project string // project ID
	Stream  string // the content, which is the type in _metadata: profiles, cohorts, annotations …

	// Columns are the columns of incoming rows, starting with the key. A table also has the column content_hash, and
	// with History two for the time in which a version was current.
	Columns []KeyedColumn

	// Filter describes which rows the table contains, in any form that the caller can compare; "" means all. All
	// refreshes of a table must have the same filter, so that none removes rows that it did not request.
	Filter string

	// History keeps each version of a row. It is a property of the table and cannot be disabled later.
	History bool
	// Since and Until name the columns of History; "" means valid_from and valid_to.
	Since, Until string
}

// KeyedColumn is a column of a keyed table.
type KeyedColumn struct {
	Name string
	Type string // VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP, DATE or JSON; values that do not fit TIMESTAMP, DOUBLE or DATE are NULL
	Key  bool
}

// contentHash is the column that identifies versions of a row: a hash of all columns except the key, and of JSON
// independent of the order of keys.
const contentHash = "content_hash"

func (k *Keyed) since() string { return orDefault(k.Since, "valid_from") }
func (k *Keyed) until() string { return orDefault(k.Until, "valid_to") }

func orDefault(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// keys returns the number of key columns.
func (k *Keyed) keys() int {
	n := slices.IndexFunc(k.Columns, func(c KeyedColumn) bool { return !c.Key })
	if n < 0 {
		return len(k.Columns)
	}
	return n
}

// keyList returns the names of the key columns.
func (k *Keyed) keyList() string {
	names := make([]string, k.keys())
	for i := range names {
		names[i] = quoteColumn(k.Columns[i].Name)
	}
	return strings.Join(names, ", ")
}

// current returns the condition for current versions of rows.
func (k *Keyed) current() string {
	if !k.History {
		return "true"
	}
	return quoteColumn(k.until()) + " IS NULL"
}

func (k *Keyed) check() error {
	if err := CheckTable(k.Name); err != nil {
		return err
	}
	if n := k.keys(); n == 0 || len(k.Columns) > maxKeyedColumns || slices.ContainsFunc(k.Columns[n:], func(c KeyedColumn) bool { return c.Key }) {
		return fmt.Errorf("table %s: the columns of the key come first, of %d columns at most", k.Name, maxKeyedColumns)
	}
	for _, c := range k.Columns {
		switch c.Type {
		case "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE", "JSON":
		default:
			return fmt.Errorf("column %s: %q is not a type of a column", c.Name, c.Type)
		}
	}
	return nil
}

// definition returns the columns for CREATE TABLE.
func (k *Keyed) definition() string {
	var all []string
	for _, c := range k.Columns {
		column := quoteColumn(c.Name) + " " + c.Type
		if c.Key {
			column += " NOT NULL"
		}
		if c.Type == "JSON" {
			column += " USING COMPRESSION zstd"
		}
		all = append(all, column)
	}
	all = append(all, contentHash+" BIGINT NOT NULL")
	if k.History {
		all = append(all, quoteColumn(k.since())+" TIMESTAMP NOT NULL", quoteColumn(k.until())+" TIMESTAMP")
	}
	return strings.Join(all, ", ")
}

// selected returns the first n columns of mixduck_keyed with their names and types.
func (k *Keyed) selected(n int) string {
	var all []string
	for i, c := range k.Columns[:n] {
		value := fmt.Sprintf("c%d", i)
		switch c.Type {
		case "BIGINT", "BOOLEAN":
			value = "CAST(" + value + " AS " + c.Type + ")"
		case "TIMESTAMP", "DOUBLE", "DATE":
			value = "TRY_CAST(" + value + " AS " + c.Type + ")"
		}
		all = append(all, value+" AS "+quoteColumn(c.Name))
	}
	return strings.Join(all, ", ")
}

// jsonMask returns a bit mask of the JSON columns for mixduck_keyed.
func (k *Keyed) jsonMask() (mask int64) {
	for i, c := range k.Columns {
		if c.Type == "JSON" {
			mask |= 1 << i
		}
	}
	return mask
}

// properties returns the position of the column whose properties are in the catalogue, -1 if there is none.
func (k *Keyed) properties() int {
	return slices.IndexFunc(k.Columns, func(c KeyedColumn) bool { return c.Name == "properties" && c.Type == "JSON" })
}

// KeyedState is the state of a keyed table before a refresh.
type KeyedState struct {
	Exists    bool
	History   bool
	FetchedAt time.Time // of the last refresh, UTC
	FullAt    time.Time // of the last full refresh, UTC; zero if there was none

	Done   bool             // the job has already refreshed the table
	Scopes []string         // refreshed by the job
	Left   []RefreshReceipt // the receipts of the job
}

// PrepareKeyed returns the state of the table. It returns an error with a hint if the table has other content. It
// writes only the fence; see [Engine.Load].
func (e *Engine) PrepareKeyed(ctx context.Context, k Keyed, job string, fence int64) (state KeyedState, err error) {
	if err := k.check(); err != nil {
		return KeyedState{}, err
	}
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		found, err := k.lookUp(ctx, conn)
		if err != nil || found == nil {
			return err
		}
		state = *found
		state.Left, err = refreshReceipts(ctx, conn, k.Name, job)
		for _, c := range state.Left {
			if c.scope.Valid {
				state.Scopes = append(state.Scopes, c.scope.String)
			}
			state.Done = state.Done || !c.scope.Valid
		}
		return err
	})
	return state, err
}

// lookUp returns the state of the table, nil if it does not exist. It sets History in k to that of the table.
func (k *Keyed) lookUp(ctx context.Context, conn *sql.Conn) (*KeyedState, error) {
	if err := refuseForeign(ctx, conn, k.Name); err != nil {
		return nil, err
	}
	found, err := lookUp(ctx, conn, k.Name)
	if err != nil || found == nil {
		return nil, err
	}
	if err := k.fits(found); err != nil {
		return nil, err
	}
	state := KeyedState{Exists: true}
	var full sql.NullTime
	err = conn.QueryRowContext(ctx, "SELECT history, fetched_at, full_at FROM mixduck.keyed WHERE table_name = ?", k.Name).Scan(&state.History, &state.FetchedAt, &full)
	if err != nil {
		return nil, err
	}
	state.FullAt = full.Time
	if k.History && !state.History {
		return nil, fault.New(fault.CodeExists, "name another table, or leave the history out", "table %s keeps no history", k.Name)
	}
	k.History = state.History
	return &state, nil
}

// fits compares the existing table with k.
func (k *Keyed) fits(found *storedTable) error {
	const other = "name another table"
	switch {
	case found.kind != k.Stream:
		return fault.New(fault.CodeExists, other, "table %s holds %s, not %s", k.Name, found.kind, k.Stream)
	case found.Project != k.Project:
		return fault.New(fault.CodeExists, other, "table %s holds %s of project %s", k.Name, k.Stream, found.Project)
	case found.Filter != k.Filter:
		return fault.New(fault.CodeExists, other+": each table has one filter", "table %s was filled with %s, and this fetch asks for %s",
			k.Name, describeKeyed(found.Filter, k.Stream), describeKeyed(k.Filter, k.Stream))
	}
	return nil
}

func describeKeyed(filter, stream string) string {
	if filter == "" {
		return "all " + strings.ReplaceAll(stream, "_", " ")
	}
	return filter
}

// create creates the table.
func (k *Keyed) create(ctx context.Context, conn *sql.Conn, job string) error {
	quoted, err := quote(k.Name)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE "+quoted+" ("+k.definition()+")"); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "INSERT INTO mixduck.tables VALUES (?, ?, ?, ?, ?, ?)", k.Name, k.Stream, k.Project, k.Filter, job, time.Now().UTC())
	return err
}
