package storage

// RefillPieces is [Refill] with pieces of about maxRows.
var RefillPieces = refillPieces

// SetMaxBadBytes changes an engine's limit of memory for lines on their way to quarantine.
func (e *Engine) SetMaxBadBytes(n int64) { e.maxBadBytes = n }
