// Package query answers a single question about a database file in a separate process. The SQL comes from users, and
// DuckDB's settings alone do not keep a statement from writing files, using all memory or crashing.
//
// [Run] starts the process, which runs [Child]. The process is locked in by package cage, checks the statement by its
// syntax tree before it opens any data ([Check] does only that), reads the file without writing to it, and ends.
// Nothing that happens to it affects another process.
package query

import (
	"time"
)

// Format is the format of a result.
type Format string

// The formats. Text is UTF-8, timestamps are UTC, and all values are exact: only floating-point values pass through
// floating-point numbers. JSON, JSONL, Parquet and Arrow cannot contain two columns of the same name: the second one
// is called name_1.
const (
	// Rows is for programs that display results: the first line is {"columns":[{"name":…,"type":…},…]}, every other
	// line an array with a string per column, in DuckDB's text form, or null.
	Rows Format = "rows"
	// CSV has a header and a line per row, as in RFC 4180 but with plain newlines. NULL is an empty field, an empty
	// text is "".
	CSV Format = "csv"
	// JSON is an array of objects, JSONL one object per line. Numbers keep all digits. Values and lists of type JSON
	// stay as stored, except that newlines in them become spaces; within other values DuckDB rewrites them. Values
	// without a JSON form are strings: NaN, times, BLOBs.
	JSON  Format = "json"
	JSONL Format = "jsonl"
	// Parquet is compressed with zstd, Arrow is the Arrow IPC stream format. HUGEINT becomes DECIMAL(38, 0), so values
	// with more than 38 digits fail the query. Types without an exact equivalent become text.
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
)

// Result describes the result of a query.
type Result struct {
	Columns   []Column      `json:"columns"`
	Rows      int64         `json:"rows"`
	Bytes     int64         `json:"bytes"`
	Sum       string        `json:"sum"`       // xxh3 of all bytes, 64 bits in hexadecimal
	Truncated bool          `json:"truncated"` // there were more rows than Limit
	Took      time.Duration `json:"took"`      // in the reading process, from its start to the last row

	// Reads are properties that the statement reads, at most 100.
	Reads []Read `json:"reads,omitempty"`

	// Parameters is an Arrow schema, as a stream without batches, with a field for each parameter of a statement that was
	// described. A parameter that fits several types is a text.
	Parameters []byte `json:"parameters,omitempty"`

	// Unprotected lists, for the log, what the kernel could not protect from the statement, see [cage.Report].
	Unprotected []string `json:"unprotected,omitempty"`
}

// Column is a column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // DuckDB's name
}
