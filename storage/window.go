package storage

import (
	"io"
	"time"

	"mixduck/internal/day"
)

// Window is Mixpanel's response for some days, to be loaded as a unit.
type Window struct {
	Table string
	Days  day.Range // requested days, as the project counts days; includes both ends

	// Parts are the unpacked responses to the requests for the days, with one event per line. The load succeeds only
	// if each part proves to be complete (docs/adr/0012-proved-answers.md) or is blank, otherwise it returns
	// [ErrNotWhole]. An error other than io.EOF fails the load. The load does not close the parts.
	Parts []io.Reader

	// Inspect may be nil. If the response is incomplete, the load calls it with the text at that position, and returns
	// its error unless that is nil.
	Inspect func(text []byte) error

	Zone *time.Location // zone of projects that store wall-clock time as "time"; nil if "time" is UTC

	AllowEmpty bool // a response without lines replaces the days; otherwise it causes [ErrEmpty]

	Add   bool // keep stored rows and add missing ones, instead of replacing the days
	Force bool // replace days even by far fewer rows

	// LookbackFrom is the first day to which Mixpanel still adds events. Days from here on may shrink, but not to
	// nothing. Earlier days are replaced only if at least half of their rows remain.
	LookbackFrom day.Day

	Job       string
	Fence     int64                   // see Load
	FetchedAt time.Time               // when the request was sent; a day that had not ended then is partial
	DayEnd    func(day.Day) time.Time // when a day ends
	Bytes     int64                   // of all parts, as received
	Hash      string                  // hash of these bytes
}

// Receipt is the record of a committed window in the database. Lines = Rows + Duplicates + Quarantined.
type Receipt struct {
	Days        day.Range
	Lines       int64 // received lines, except empty ones
	Rows        int64 // stored rows
	Duplicates  int64
	Quarantined int64
	Bytes       int64
	Hash        string

	TimeWarning string // what the event times show about the project's settings; "" for nothing; not stored with the receipt

	// Changes on days that were stored before. A row with a new distinct_id is another row.
	Added   int64 // new rows
	Removed int64 // rows that are no longer in the response
	Updated int64 // rows with another processing time

	Joined    int64  // events split over several lines
	Extra     int64  // events with keys other than event and properties, which are not stored
	ExtraKeys string // some of these keys, separated by commas
}
