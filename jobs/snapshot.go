package jobs

import "time"

// Snapshot is the state of the copy of a database for other programs. Its JSON form is stored: fields are only ever
// added.
type Snapshot struct {
	Database string    `json:"database"`          // volume/relative path; always with the volume
	Path     string    `json:"path"`              // of the file, on the machine of its worker
	Job      string    `json:"job,omitempty"`     // the job before it; "" for none
	TakenAt  time.Time `json:"taken_at,omitzero"` // it contains what was committed by then; zero if there is no snapshot
	Bytes    int64     `json:"bytes"`

	// Why the database has changed since and there is no newer snapshot.
	StaleSince time.Time `json:"stale_since,omitzero"` // since when; zero if the snapshot is current
	Failure    *Failure  `json:"failure,omitempty"`
}
