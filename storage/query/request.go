package query

import (
	"time"

	"mixduck/internal/fault"
)

// Request says what to read and what to make of it. Database and one of SQL and Inspect are needed; the zero values of all
// else are usable.
type Request struct {
	Database string   `json:"database"` // path of the file
	SQL      string   `json:"sql,omitempty"`
	Inspect  *Inspect `json:"inspect,omitempty"`

	// Params are the values of $name in SQL, as text: DuckDB casts them to the type that is wanted there.
	Params map[string]string `json:"params,omitempty"`

	Format Format `json:"format,omitempty"` // "" means Rows
	Limit  int64  `json:"limit,omitempty"`  // of rows; 0 means all
	Output string `json:"output,omitempty"` // path of the file to make; "" means Launcher.Stdout

	// MemoryLimit is how many bytes DuckDB may use for its buffers; 0 means 1 GB. The process may have half as much again
	// and 500 MB more.
	MemoryLimit int64 `json:"memory_limit,omitempty"`
	Threads     int   `json:"threads,omitempty"` // 0 means one a processor

	// TempDir is where a directory is made for what does not fit into memory, and for the result while it grows. It has to be
	// on the file system of Output; "" means the directory of Output, or that of the system. A parent that is killed leaves
	// it behind, under a name that begins with ".query-".
	TempDir        string `json:"temp_dir,omitempty"`
	MaxTempBytes   int64  `json:"max_temp_bytes,omitempty"`   // of what does not fit into memory; 0 means 16 GB
	MaxResultBytes int64  `json:"max_result_bytes,omitempty"` // 0 means no bound

	// LockWait is for how long to wait for a load, and as long again for other programs that hold the file; 0 does not
	// wait, a negative value waits for as long as the context lives.
	LockWait time.Duration `json:"lock_wait,omitempty"`
}

// Inspect asks one of the questions that have a name.
type Inspect struct {
	Name string   `json:"name"`
	Args []string `json:"args,omitempty"`
}

// The bounds of a request.
const (
	defaultMemoryLimit = 1e9
	minMemoryLimit     = 100e6
	defaultTempBytes   = 16e9
)

// validate checks r and fills in what it leaves open.
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
	case r.Database == "":
		return fault.Usage("set Request.Database", "a query needs a database")
	case (r.SQL == "") == (r.Inspect == nil):
		return fault.Usage("set exactly one of SQL and Inspect", "a query needs either SQL or an inspection")
	case r.Inspect != nil && len(r.Params) > 0:
		return fault.Usage("remove them", "only SQL can have parameters")
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
