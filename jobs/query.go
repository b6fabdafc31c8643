package jobs

import (
	"time"
	"unicode/utf8"

	"mixduck/internal/fault"
	"mixduck/internal/name"
)

// Format is the form in which a query's rows are kept.
type Format string

// The formats of results.
const (
	FormatRows    Format = "rows"    // ours, exact: a line with the columns, then a JSON array of texts and nulls a row
	FormatCSV     Format = "csv"     // with a header
	FormatJSON    Format = "json"    // one array of objects
	FormatJSONL   Format = "jsonl"   // an object a line
	FormatParquet Format = "parquet" //
	FormatArrow   Format = "arrow"   // an IPC stream
)

// Query is the payload of [KindQuery]: one SELECT, one of the named inspections, or a comparison. Fields are only ever added.
type Query struct {
	Database string            `json:"database"` // volume/relative path, with the volume
	SQL      string            `json:"sql,omitempty"`
	Inspect  string            `json:"inspect,omitempty"` // instead of SQL: the name of an inspection
	Args     []string          `json:"args,omitempty"`    // of the inspection
	Verify   *Verify           `json:"verify,omitempty"`  // instead of SQL: a comparison with Mixpanel
	Params   map[string]string `json:"params,omitempty"`  // values of $name in SQL, as texts
	Format   Format            `json:"format"`
	Limit    int64             `json:"limit,omitempty"` // rows at most; 0 means all
	Timeout  time.Duration     `json:"timeout,omitempty"`
	LockWait time.Duration     `json:"lock_wait,omitempty"` // for another program that writes; 0 means as the worker is set

	// Attended queries end when nobody waits for them any more: who does calls queue.Queue.Attend.
	Attended bool `json:"attended,omitempty"`
}

const (
	maxSQLBytes     = 256 << 10
	maxQueryTimeout = 24 * time.Hour
)

// Validate reports what makes q senseless, as an error with [fault.CodeUsage] and a hint. Whether the SQL is any good is
// for the worker to say.
func (q Query) Validate() error {
	if err := name.Database(q.Database); err != nil {
		return err
	}
	asked := 0
	for _, given := range []bool{q.SQL != "", q.Inspect != "", q.Verify != nil} {
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
	switch q.Format {
	case FormatRows, FormatCSV, FormatJSON, FormatJSONL, FormatParquet, FormatArrow:
		return nil
	}
	return fault.Usage("rows, csv, json, jsonl, parquet or arrow", "%q is no format of a result", q.Format)
}

// Column is one column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as DuckDB writes it
}

// Result says what a query has found. The rows lie elsewhere: see queue.Queue.OpenResult.
type Result struct {
	Columns   []Column  `json:"columns"`
	Rows      int64     `json:"rows"`
	Bytes     int64     `json:"bytes"`
	Sum       string    `json:"sum,omitempty"`       // of all bytes: xxh3, 64 bits in hexadecimal; "" in records of older versions
	Truncated bool      `json:"truncated,omitempty"` // there were more rows than the limit
	File      string    `json:"file,omitempty"`      // where they are inside the volume; "" if they are in Redis
	Expires   time.Time `json:"expires"`             // when the rows are deleted
	Verified  *Verified `json:"verified,omitempty"`  // of a comparison
}

// MaxStoredResult is how many bytes of rows Redis keeps. What is longer stays in a file.
const MaxStoredResult = 1 << 20

// ErrNoResult says that a job has no rows: it is no query, has not found them yet, or they are deleted.
var ErrNoResult = fault.New(fault.CodeNotFound, "ask the question again: results are deleted when their retention ends", "the job has no result")
