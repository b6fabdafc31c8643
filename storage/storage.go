// Package storage is the DuckDB engine: it opens database files in their modes, locks them against other processes,
// keeps their schema, loads windows of events into them and reads back what is stored. It is the only package that speaks
// DuckDB or SQL. It knows nothing of Mixpanel's API, of jobs or of queues.
package storage

import (
	"regexp"
	"time"

	"mixduck/internal/fault"
)

// Mode says where the data of an [Engine] lives.
type Mode int

// The modes.
const (
	Persistent Mode = iota // a file that stays
	Ephemeral              // a file in the temporary directory that Close removes
	InMemory               // no file at all
)

// Config says what to open and how. The zero value of every field but Path is usable.
type Config struct {
	Path     string // of the database file; Persistent needs it, the other modes refuse it
	Mode     Mode
	ReadOnly bool // Persistent only: the file must exist, and writing fails
	Shared   bool // ReadOnly only: another process holds a [Share] of the file, and Open locks nothing

	// Adopt allows Open to rename the tables of a database that another program made, as mixpanel_data, where they are in
	// the way of Mixduck's. See [Engine.Moved].
	Adopt bool

	// LockWait is how long Open waits for other processes to let go of the file before it returns [ErrLocked];
	// 0 does not wait, a negative value waits for as long as the context lives.
	LockWait time.Duration

	MemoryLimit int64 // bytes that DuckDB may use for its buffers; 0 means 512 MiB
	Threads     int   // 0 means one a processor
}

const defaultMemoryLimit = 512 << 20

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// quote returns a table name as an SQL identifier. Only names that a person may choose pass, so that no statement is
// ever put together from anything else.
func quote(table string) (string, error) {
	if !identifier.MatchString(table) {
		return "", fault.Usage("use letters, digits and underscores; the first character must not be a digit", "%q is not a valid table name", table)
	}
	return `"` + table + `"`, nil
}
