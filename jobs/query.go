package jobs

import (
	"time"
	"unicode/utf8"

	"mixduck/internal/fault"
	"mixduck/internal/name"
)

// Format is the format of a query's stored rows.
type Format string

// The formats of results.
const (
	FormatRows    Format = "rows"    // internal and exact: a line with the columns, then one JSON array of texts and nulls per row
	FormatCSV     Format = "csv"     // with a header
	FormatJSON    Format = "json"    // one array of objects
	FormatJSONL   Format = "jsonl"   // one object per line
	FormatParquet Format = "parquet" //
	FormatArrow   Format = "arrow"   // an IPC stream
)

// Query is the payload of [KindQuery]: one SELECT, a named inspection, or a comparison. Fields are only ever added.
type Query struct {
	Database string            `json:"database"` // volume/relative path; always with the volume
	SQL      string            `json:"sql,omitempty"`
	Inspect  string            `json:"inspect,omitempty"`  // instead of SQL: the name of an inspection
	Args     []string          `json:"args,omitempty"`     // of the inspection
	Verify   *Verify           `json:"verify,omitempty"`   // instead of SQL: a comparison with Mixpanel
	Ask      *Ask              `json:"ask,omitempty"`      // instead of SQL: a question to Mixpanel
	Profiles *Profiles         `json:"profiles,omitempty"` // instead of SQL: profiles from Mixpanel
	Snapshot bool              `json:"snapshot,omitempty"` // instead of SQL: replace the snapshot now; there are no rows
	Params   map[string]string `json:"params,omitempty"`   // values of $name in SQL, as texts
	Format   Format            `json:"format"`
	Limit    int64             `json:"limit,omitempty"` // maximum number of rows; 0 means all
	Timeout  time.Duration     `json:"timeout,omitempty"`
	LockWait time.Duration     `json:"lock_wait,omitempty"` // how long to wait while another program writes; 0 means the worker's default

	// NestedJSON makes nested values of [FormatRows] JSON instead of DuckDB's text.
	NestedJSON bool `json:"nested_json,omitempty"`

	// Attended queries are cancelled when nobody waits for them. To wait, call queue.Queue.Attend.
	Attended bool `json:"attended,omitempty"`
}

const (
	maxSQLBytes     = 256 << 10
	maxQueryTimeout = 24 * time.Hour
)

// Project returns the project that Mixpanel is asked about, "" for queries that only read the database.
func (q Query) Project() string {
	switch {
	case q.Ask != nil:
		return q.Ask.Project
	case q.Profiles != nil:
		return q.Profiles.Project
	case q.Verify != nil:
		return q.Verify.Project
	}
	return ""
}

// Validate checks q. Errors have [fault.CodeUsage] and a hint. It does not parse the SQL; the worker does.
func (q Query) Validate() error {
	if err := name.Database(q.Database); err != nil {
		return err
	}
	asked := 0
	for _, given := range []bool{q.SQL != "", q.Inspect != "", q.Verify != nil, q.Ask != nil, q.Profiles != nil, q.Snapshot} {
		if given {
			asked++
		}
	}
	switch {
	case asked != 1:
		return fault.Usage(`enqueue query "SELECT count(*) FROM events"`, "there is nothing to ask, or two things at once")
	case len(q.SQL) > maxSQLBytes || !utf8.ValidString(q.SQL):
		return fault.Usage("", "the statement has %d bytes; at most %d of valid UTF-8 are allowed", len(q.SQL), maxSQLBytes)
	case q.Limit < 0:
		return fault.Usage("leave it out for all rows", "a limit of %d rows makes no sense", q.Limit)
	case q.Timeout < 0 || q.Timeout > maxQueryTimeout || q.LockWait < 0:
		return fault.Usage("a time like 30s or 10m, at most 24h", "the query's time limits make no sense")
	}
	if q.Verify != nil {
		if err := q.Verify.validate(); err != nil {
			return err
		}
	}
	if q.Ask != nil {
		if err := q.Ask.validate(); err != nil {
			return err
		}
	}
	if q.Profiles != nil {
		if err := q.Profiles.validate(q.Format); err != nil {
			return err
		}
	}
	switch q.Format {
	case FormatRows, FormatCSV, FormatJSON, FormatJSONL, FormatParquet, FormatArrow:
		return nil
	}
	return fault.Usage("rows, csv, json, jsonl, parquet or arrow", "%q is no format of a result", q.Format)
}

// Column is one column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // DuckDB's name
}

// Result describes what a query has found. For the rows, see queue.Queue.OpenResult.
type Result struct {
	Columns   []Column  `json:"columns"`
	Rows      int64     `json:"rows"`
	Bytes     int64     `json:"bytes"`
	Sum       string    `json:"sum,omitempty"`       // xxh3 of all bytes, 64 bits in hexadecimal; "" in records of older versions
	Truncated bool      `json:"truncated,omitempty"` // there were more rows than the limit
	File      string    `json:"file,omitempty"`      // path within the volume; "" if the rows are in Redis
	Expires   time.Time `json:"expires"`             // when the rows are deleted
	Verified  *Verified `json:"verified,omitempty"`  // of a comparison
	Snapshot  *Snapshot `json:"snapshot,omitempty"`  // that was asked for
}

// MaxStoredResult is the largest result in bytes that Redis stores. Longer ones stay in a file.
const MaxStoredResult = 1 << 20

// ErrNoResult means that a job has no rows: it is not a query, has not found any yet, or they were deleted.
var ErrNoResult = fault.New(fault.CodeNotFound, "ask the question again: results are deleted when their retention ends", "the job has no result")
