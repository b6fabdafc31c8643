// Package storage is the DuckDB engine: it opens database files, locks them against other processes, maintains their
// schema, loads windows of events and reads stored data. It is the only package that uses DuckDB or SQL. It does not
// know Mixpanel's API, jobs or queues.
package storage

import (
	"regexp"
	"time"

	"mixduck/internal/fault"
)

// Mode says where the data of an [Engine] is stored.
type Mode int

// The modes.
const (
	Persistent Mode = iota // a permanent file
	Ephemeral              // a file in the temporary directory, which Close removes
	InMemory               // no file
)

// Config says what to open and how. Every field except Path has a usable zero value.
type Config struct {
	Path     string // path of the database file; required for Persistent, invalid for other modes
	Mode     Mode
	ReadOnly bool // Persistent only: the file must exist, and writing fails
	Shared   bool // ReadOnly only: another process holds a [Share] of the file, and Open locks nothing

	// Adopt allows Open to rename tables of another program, such as mixpanel_data, that conflict with Mixduck's
	// tables. See [Engine.Moved].
	Adopt bool

	// LockWait is how long Open waits for other processes to release the file before it returns [ErrLocked]. 0 means
	// no wait; a negative value means no limit except ctx.
	LockWait time.Duration

	// StrangerWait replaces LockWait for programs that do not use our lock files, such as a DuckDB shell: while a writer
	// waits for them, other processes of ours cannot read. 0 means LockWait.
	StrangerWait time.Duration

	MemoryLimit int64 // bytes for DuckDB's buffers; 0 means 512 MiB
	Threads     int   // 0 means one per processor
	PieceRows   int64 // rows in which one transaction fills new columns, approximately; 0 means 200,000
}

const defaultMemoryLimit = 512 << 20

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// quote returns a table name as an SQL identifier. It accepts only valid table names, so no other text becomes part of
// a statement.
func quote(table string) (string, error) {
	if !identifier.MatchString(table) {
		return "", fault.Usage("use letters, digits and underscores; the first character must not be a digit", "%q is not a valid table name", table)
	}
	return `"` + table + `"`, nil
}
