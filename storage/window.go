package storage

import (
	"io"
	"time"

	"mixduck/internal/day"
)

// Window is what Mixpanel has answered for some days, to be loaded as one piece.
type Window struct {
	Table string
	Days  day.Range // that were asked, as the project counts days; both ends included

	// Parts are the unpacked answers to the requests that together ask for the days: one event on each line. The load succeeds
	// only if each part proves to be whole (docs/adr/0012-proved-answers.md) or is blank, else it returns [ErrNotWhole]. An error
	// other than io.EOF fails the load. The load does not close them.
	Parts []io.Reader

	// Inspect, if not nil, is asked what the text means that stands where an answer proves not to be whole. The load returns its
	// error, if it has one.
	Inspect func(text []byte) error

	Zone *time.Location // of projects that store their wall clock as "time"; nil where "time" is UTC

	AllowEmpty bool // an answer without any line replaces the days; otherwise it gives [ErrEmpty]

	Add   bool // keep the rows that are stored and add those that are missing, instead of replacing the days
	Force bool // replace days even if far fewer rows came than are stored

	// LookbackFrom is the first day that Mixpanel still completes: from it on a day may shrink, if not to nothing. Days
	// before it are only replaced by ones that are at least half as large.
	LookbackFrom day.Day

	Job       string
	Fence     int64                   // see Load
	FetchedAt time.Time               // when the request was sent: a day that was not over then is partial
	DayEnd    func(day.Day) time.Time // from when on nothing more happens on a day
	Bytes     int64                   // of all parts, as received
	Hash      string                  // of these bytes
}

// Receipt is what a committed window leaves in the database. Lines = Rows + Duplicates + Quarantined.
type Receipt struct {
	Days        day.Range
	Lines       int64 // received, empty ones not counted
	Rows        int64 // stored
	Duplicates  int64
	Quarantined int64
	Bytes       int64
	Hash        string

	TimeWarning string // what the times of events tell of the project's settings, "" for nothing; not stored with the receipt

	// What days that were stored before have become. A row that has got another distinct_id is another row.
	Added   int64 // rows that were not there
	Removed int64 // rows that no longer came
	Updated int64 // rows that were there with another time of processing

	Joined    int64  // events that came in pieces, on several lines
	Extra     int64  // events with keys beside event and properties, which are not stored
	ExtraKeys string // some of these keys, separated by commas
}
