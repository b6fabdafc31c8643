package storage

// RefillPieces is [Refill] with pieces of about maxRows.
var RefillPieces = refillPieces

// SetMaxBadBytes changes for one engine how much memory lines may take on their way to quarantine.
func (e *Engine) SetMaxBadBytes(n int64) { e.maxBadBytes = n }
