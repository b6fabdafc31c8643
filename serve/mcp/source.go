package mcp

import (
	"time"

	"mixduck/storage"
)

// source is a file that answers a question.
type source struct {
	path     string
	snapshot bool
	lockWait time.Duration
	about    string
	asOf     time.Time
	instead  *source // if the file is locked for longer than lockWait
}

// briefly is how long a question waits for a load if it can read a snapshot instead.
const briefly = time.Second

// choose returns what to read. A snapshot with the same content as the database is as good, and nobody waits for it. If
// the database has changed since, it is better, unless a load or another program keeps it locked.
func (s *server) choose() source {
	live := source{path: s.cfg.Database, lockWait: s.cfg.LockWait, about: "the database", asOf: time.Now()}
	if s.cfg.Snapshot == nil {
		return live
	}
	taken, err := s.cfg.Snapshot()
	if err != nil || taken == nil {
		return live
	}
	copied := source{path: taken.Path, snapshot: true, asOf: taken.TakenAt}
	if state, err := storage.SourceState(s.cfg.Database); err == nil && state == taken.Source {
		copied.about, copied.asOf = "a snapshot with everything that is stored", live.asOf
		return copied
	}
	copied.about = "an older snapshot, because another program has the database open; newer data may be stored"
	live.lockWait, live.instead = min(live.lockWait, briefly), &copied
	return live
}
