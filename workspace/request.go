package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// Mode says what a fetch does with existing rows.
type Mode string

// The modes of a fetch.
const (
	Sync    Mode = "sync"    // replace the requested days, keep the others
	Append  Mode = "append"  // add missing events, delete nothing
	Replace Mode = "replace" // fill a new table, and swap it in when it is complete
	Create  Mode = "create"  // fail if the table exists
)

// FetchRequest says which events to copy to which table.
type FetchRequest struct {
	Table  string
	Days   day.Range // in the project's time zone; includes both ends; no day after today
	Events []string  // names; empty means all
	Where  string    // a Mixpanel expression
	Mode   Mode      // "" means Sync
	Force  bool      // replace complete old days even with far fewer rows

	Due *Due // if set, fetch only the days that are due

	// LateSince, if set, limits the fetch to stored days with events received after this time. If Days is zero, it
	// searches all stored days. The search takes one request.
	LateSince time.Time

	// Promote lists properties to promote, in addition to those of the table.
	Promote []storage.Promotion

	Job   string // id of the request: attempts with the same id continue where the last one ended; "" creates a new id
	Fence int64  // see [storage.Engine.Load]; 0 without a queue

	// Kept, if set, takes over responses from one call to the next, see [Kept]. Only FetchEvents uses it.
	Kept *Kept

	// OnPause, if set, is called by Stream when Mixpanel asks to wait. If it returns nil after waiting, Stream
	// continues; otherwise Stream ends with its error. FetchEvents always ends with a [PauseError].
	OnPause func(context.Context, *PauseError) error

	// Drain ends the fetch early when it is closed: loads in progress are committed, everything else is dropped, and
	// FetchEvents returns [ErrDrained]. May be nil.
	Drain <-chan struct{}

	// OnWindow, if set, is called when the state of a window changes, from several goroutines. Divided windows are
	// replaced by others with the same days.
	OnWindow func(WindowState)

	// OnStored, if set, is called after each committed window with the days of the table, in ascending order, from several
	// goroutines, but not concurrently. With the mode Replace it is not called, because the days belong to another table.
	OnStored func([]storage.Coverage)
}

// export returns the export request for some days of r.
func (w *Workspace) export(r FetchRequest, days day.Range) mixpanel.ExportRequest {
	return mixpanel.ExportRequest{Project: w.cfg.Project.ID, Days: days, Events: r.Events, Where: r.Where}
}

// windowsPerHour returns how many windows of an export the budget allows. A long list of event names takes several
// requests per window. 0 means that requests are not counted.
func (w *Workspace) windowsPerHour(r mixpanel.ExportRequest) (int, error) {
	requests, err := w.source.Parts(r)
	if err != nil || w.cfg.RequestsPerHour == 0 {
		return 0, err
	}
	return max(1, w.cfg.RequestsPerHour/len(requests)), nil
}

// filter returns the text that distinguishes tables with different events of one project.
func (r *FetchRequest) filter() (string, error) {
	if len(r.Events) == 0 && r.Where == "" {
		return "", nil
	}
	b, err := json.Marshal(struct {
		Events []string `json:"events,omitempty"`
		Where  string   `json:"where,omitempty"`
	}{r.Events, r.Where})
	return string(b), err
}

// check rejects invalid requests, and days that Mixpanel does not have yet.
func (r *FetchRequest) check(p Project, now time.Time) error {
	today := p.Today(now)
	if err := storage.CheckTable(r.Table); err != nil {
		return err
	}
	if err := storage.CheckPromotions(r.Promote); err != nil {
		return err
	}
	switch r.Mode {
	case "", Sync, Append, Replace, Create:
	default:
		return fault.Usage("use sync, append, replace or create", "unknown fetch mode %q", r.Mode)
	}
	if r.Due != nil {
		if err := r.Due.check(r.Mode); err != nil {
			return err
		}
	}
	if !r.LateSince.IsZero() {
		if err := r.checkLate(now); err != nil {
			return err
		}
	}
	switch {
	case r.Days.Len() == 0:
		return fault.Usage("put the earlier date first", "the range ends before it starts: %s to %s", r.Days.From, r.Days.To)
	case r.Days.To > today:
		return fault.Usage("end the range today or earlier", "%s is in the future: today is %s in the project's time zone (%s)",
			r.Days.To, today, p.location())
	}
	return nil
}

// Progress is the progress of a fetch. It includes what earlier attempts of the same job committed. Requests, Retries
// and the bytes of failed responses cover only this attempt.
type Progress struct {
	WindowsDone  int
	WindowsTotal int   // an estimate until all windows are planned
	Rows         int64 // stored
	Duplicates   int64
	Quarantined  int64
	Requests     int    // sent
	Retries      int    // windows requested again
	Bytes        int64  // received
	Trouble      string // the last failed window and its error; "" after a later success

	// Changes to days that were already stored, see [storage.Receipt].
	Added, Removed, Updated int64

	Unchanged int64 // unchanged rows of a keyed table

	// Warnings has one warning per line, without repetition; "" means none. Warnings do not end the fetch.
	Warnings string

	Joined    int64  // events split over several lines
	Extra     int64  // events with keys other than event and properties
	ExtraKeys string // some of these keys

	LateDays    string // days with late events, as text
	DaysLeft    int    // days that are due but beyond [Due.MaxWindows]
	Unavailable int    // requested days that Mixpanel no longer serves, as reported to this fetch or an earlier one
}

// maxWarnings limits the warnings of a fetch, in bytes, because a job record stores them.
const maxWarnings = 4 << 10

// warn adds a warning, without a line break, unless it is already there.
func (p *Progress) warn(text string) {
	switch {
	case p.Warnings == "":
		p.Warnings = text
	case len(p.Warnings)+len(text) < maxWarnings && !slices.Contains(strings.Split(p.Warnings, "\n"), text):
		p.Warnings += "\n" + text
	}
}

// add counts a committed window.
func (p *Progress) add(r storage.Receipt) {
	p.WindowsDone++
	p.Rows += r.Rows
	p.Duplicates += r.Duplicates
	p.Quarantined += r.Quarantined
	p.Added += r.Added
	p.Removed += r.Removed
	p.Updated += r.Updated
	p.Joined += r.Joined
	p.Extra += r.Extra
	p.ExtraKeys = cmp.Or(p.ExtraKeys, r.ExtraKeys)
	if r.TimeWarning != "" {
		p.warn(r.TimeWarning)
	}
}

// warnOfMoved adds a warning for each table that the fetch has renamed.
func (p *Progress) warnOfMoved(moved []string) {
	for _, text := range moved {
		p.warn("another program created the database: its table " + text)
	}
}

// warnOfLines adds warnings about unusual lines in the responses.
func (p *Progress) warnOfLines() {
	if p.Extra > 0 {
		p.warn(fmt.Sprintf("%d events have keys other than event and properties, which are not stored: %s", p.Extra, p.ExtraKeys))
	}
	if p.Joined > 0 {
		p.warn(fmt.Sprintf("%d events were split over several lines and have been joined", p.Joined))
	}
}
