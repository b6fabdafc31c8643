package jobs

import (
	"time"

	"mixduck/internal/day"
)

// LakeTable is the state of a table of the lake. Its JSON form is stored: fields are only ever added.
type LakeTable struct {
	Database    string    `json:"database"`          // volume/relative path; always with the volume
	Table       string    `json:"table"`             // in the database
	Lake        string    `json:"lake"`              // namespace.name in the catalog; "" if unknown
	Days        int       `json:"days"`              // published
	Rows        int64     `json:"rows"`              // of these days
	First       day.Day   `json:"first"`             // of these days
	Last        day.Day   `json:"last"`              //
	PublishedAt time.Time `json:"published_at"`      // of the last commit; zero before the first one
	Due         int       `json:"due"`               // stored days that are not published as they are
	DueSince    time.Time `json:"due_since"`         // when the first of them was stored; zero if none is due
	Newer       int       `json:"newer"`             // days that the lake has in a newer state than the database
	At          time.Time `json:"at"`                // when this was found
	Failure     *Failure  `json:"failure,omitempty"` // of the last attempt to publish; nil if it succeeded
}
