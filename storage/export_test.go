package storage

import "database/sql"

// RefillPieces is [Refill] with pieces of about maxRows.
var RefillPieces = refillPieces

// SetMaxBadBytes changes an engine's limit of memory for lines on their way to quarantine.
func (e *Engine) SetMaxBadBytes(n int64) { e.maxBadBytes = n }

// DB returns the open database.
func DB(e *Engine) *sql.DB { return e.inst.db }
