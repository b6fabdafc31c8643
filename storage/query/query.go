// Package query answers one question about one database file, in a process of its own: SQL is given by people, and
// DuckDB's settings alone do not keep a statement from writing files, from taking all memory or from crashing.
//
// [Run] starts that process, which runs [Child]: it is locked in by package cage, checks the statement by its syntax tree
// before it opens any data ([Check] does only that), reads the file without writing to it, and ends. Whatever happens to
// it happens to nothing else.
package query

import (
	"time"
)

// Format is the form of a result.
type Format string

// The formats. Text is UTF-8, timestamps are UTC, and all values are exact: nothing passes through a floating-point number
// that is none. JSON, JSONL, Parquet and Arrow cannot hold two columns of one name: the second one is called name_1.
const (
	// Rows is what a program reads that shows results: the first line is {"columns":[{"name":…,"type":…},…]}, each other line
	// an array with a string for each column, the value as DuckDB writes it, or null.
	Rows Format = "rows"
	// CSV has a line of names, then one a row, as RFC 4180 has it but with plain newlines. NULL is an empty field, an empty
	// text is "".
	CSV Format = "csv"
	// JSON is an array of objects, JSONL one object a line. Numbers keep all digits, values and lists of type JSON stay as they
	// are stored (but newlines in them become spaces; within other values DuckDB writes them anew), and what JSON has no form
	// for is a string: NaN, times, BLOBs.
	JSON  Format = "json"
	JSONL Format = "jsonl"
	// Parquet is compressed with zstd, Arrow is the stream format of Arrow IPC. HUGEINT becomes DECIMAL(38, 0), so that values
	// beyond 38 digits fail the query; types that have no exact form there become text.
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
)

// Result describes what a query has made.
type Result struct {
	Columns   []Column      `json:"columns"`
	Rows      int64         `json:"rows"`
	Bytes     int64         `json:"bytes"`
	Sum       string        `json:"sum"`       // of all bytes: xxh3, 64 bits in hexadecimal
	Truncated bool          `json:"truncated"` // there were more rows than Limit
	Took      time.Duration `json:"took"`      // in the process that reads, from its start to the last row

	// Unprotected says what the kernel could not protect from the statement, see [cage.Report]. It is for the log.
	Unprotected []string `json:"unprotected,omitempty"`
}

// Column is a column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // as DuckDB writes it
}
