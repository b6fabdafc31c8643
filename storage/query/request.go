package query

import (
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// Request describes what to read and how to return it. It needs Database and one of SQL, Inspect and Tables. All other
// fields can be zero.
type Request struct {
	Database string   `json:"database"`            // path of the file
	Snapshot bool     `json:"snapshot,omitempty"`  // Database is a [storage.Snapshot], which needs no lock: it is only ever replaced
	InMemory bool     `json:"in_memory,omitempty"` // instead of Database: an empty database
	SQL      string   `json:"sql,omitempty"`
	Inspect  *Inspect `json:"inspect,omitempty"`

	// Tables asks for all tables and views with their columns, in Arrow: see [TablesSchema].
	Tables bool `json:"tables,omitempty"`

	// Params are the values of $name in SQL, as text. DuckDB casts them to the required type.
	Params map[string]string `json:"params,omitempty"`

	// Values are the values of all parameters in SQL by their position, where there are no Params.
	Values []storage.Value `json:"values,omitempty"`

	// AsWritten reads JSON also where a promoted column has the same values.
	AsWritten bool `json:"as_written,omitempty"`

	// Describe does not run SQL: the result in Arrow has no rows, and Result.Parameters says what to bind.
	Describe bool `json:"describe,omitempty"`

	// SchemaFirst writes the schema and an empty batch in Arrow before SQL runs.
	SchemaFirst bool `json:"schema_first,omitempty"`

	Format Format `json:"format,omitempty"` // "" means Rows

	// NestedJSON makes nested values in Rows JSON instead of DuckDB's text. Unlike in JSON, a JSON null is not a NULL there.
	NestedJSON bool `json:"nested_json,omitempty"`

	Limit  int64  `json:"limit,omitempty"`  // of rows; 0 means all
	Output string `json:"output,omitempty"` // path of the file to create; "" means Launcher.Stdout

	// MemoryLimit is the size of DuckDB's buffers in bytes; 0 means 1 GB. The process may use half as much again plus
	// 500 MB.
	MemoryLimit int64 `json:"memory_limit,omitempty"`
	Threads     int   `json:"threads,omitempty"` // 0 means one per processor

	// TempDir is where a directory is created for data that does not fit into memory, and for the incomplete result.
	// It must be on the file system of Output; "" means the directory of Output, or the system's temporary directory.
	// A killed parent leaves the directory behind; its name starts with ".query-".
	TempDir        string `json:"temp_dir,omitempty"`
	MaxTempBytes   int64  `json:"max_temp_bytes,omitempty"`   // limit for data that does not fit into memory; 0 means 16 GB
	MaxResultBytes int64  `json:"max_result_bytes,omitempty"` // 0 means no limit

	// LockWait is how long to wait for a load, and again for other programs that hold the file; 0 means not at all,
	// and a negative value until the context ends.
	LockWait time.Duration `json:"lock_wait,omitempty"`
}

// Inspect asks a named question.
type Inspect struct {
	Name string   `json:"name"`
	Args []string `json:"args,omitempty"`
}

// The limits of a request.
const (
	defaultMemoryLimit = 1e9
	minMemoryLimit     = 100e6
	defaultTempBytes   = 16e9
)

// validate checks r and sets defaults.
func (r *Request) validate() error {
	if r.Format == "" {
		r.Format = Rows
	}
	if r.MemoryLimit == 0 {
		r.MemoryLimit = defaultMemoryLimit
	}
	if r.MaxTempBytes == 0 {
		r.MaxTempBytes = defaultTempBytes
	}
	switch {
	case (r.Database == "") != r.InMemory:
		return fault.Usage("set Request.Database or InMemory", "a query needs one database")
	case (r.SQL == "") == (r.Inspect == nil && !r.Tables) || r.Inspect != nil && r.Tables:
		return fault.Usage("set exactly one of SQL, Inspect and Tables", "a query needs either SQL or an inspection")
	case r.SQL == "" && len(r.Params)+len(r.Values) > 0:
		return fault.Usage("remove them", "only SQL can have parameters")
	case len(r.Params) > 0 && len(r.Values) > 0:
		return fault.Usage("set Params or Values", "parameters have either names or positions")
	case (r.Tables || r.Describe || r.SchemaFirst) && r.Format != Arrow:
		return fault.Usage("set Format to Arrow", "only Arrow has schemas")
	case r.Limit < 0 || r.Threads < 0 || r.MaxTempBytes < 0 || r.MaxResultBytes < 0:
		return fault.Usage("use 0 for the default or no limit", "limits must not be negative")
	case r.MemoryLimit < minMemoryLimit:
		return fault.Usage("use at least 100 MB", "DuckDB cannot run with %d bytes of memory", r.MemoryLimit)
	}
	switch r.Format {
	case Rows, CSV, JSON, JSONL, Parquet, Arrow:
		return checkText(r.SQL)
	}
	return fault.Usage("use rows, csv, json, jsonl, parquet or arrow", "unknown format %q", r.Format)
}
