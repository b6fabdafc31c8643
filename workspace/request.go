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

// Mode says what a fetch does with rows that are there already.
type Mode string

// The modes of a fetch.
const (
	Sync    Mode = "sync"    // replace the days asked, leave the others
	Append  Mode = "append"  // add what is missing, delete nothing
	Replace Mode = "replace" // fill a new table and swap it in when it is complete
	Create  Mode = "create"  // refuse if the table exists
)

// FetchRequest says which events to copy into which table.
type FetchRequest struct {
	Table  string
	Days   day.Range // in the project's zone, both ends included; none after today
	Events []string  // names; none means all
	Where  string    // a Mixpanel expression
	Mode   Mode      // "" means Sync
	Force  bool      // replace good old days even by ones with far fewer rows

	Due *Due // if set, only those of the days that are due

	// LateSince, if set, makes it only those of the days that are stored on which events fall that arrived after it; where
	// Days is zero, of all that are stored. One request finds them.
	LateSince time.Time

	// Promote are properties that are to have columns of their own, beside those of the table that have.
	Promote []storage.Promotion

	Job   string // an id of the request: attempts with the same one go on where the last one ended; "" makes a new one
	Fence int64  // see [storage.Engine.Load]; 0 where no queue hands out turns

	// OnPause, if set, is called by Stream when Mixpanel asks to wait. If it returns nil, which it does after the wait, Stream
	// goes on; otherwise Stream ends with its error. FetchEvents ends with a [PauseError] in any case.
	OnPause func(context.Context, *PauseError) error

	// Drain, once closed, ends the fetch early but orderly: what is being loaded is committed, the rest dropped, and
	// FetchEvents returns [ErrDrained]. May be nil.
	Drain <-chan struct{}
}

// export returns the export of some days of r.
func (w *Workspace) export(r FetchRequest, days day.Range) mixpanel.ExportRequest {
	return mixpanel.ExportRequest{Project: w.cfg.Project.ID, Days: days, Events: r.Events, Where: r.Where}
}

// windowsPerHour returns how many windows of an export the budget allows: a long list of event names takes several requests
// each. 0 means that nobody counts.
func (w *Workspace) windowsPerHour(r mixpanel.ExportRequest) (int, error) {
	requests, err := w.source.Parts(r)
	if err != nil || w.cfg.RequestsPerHour == 0 {
		return 0, err
	}
	return max(1, w.cfg.RequestsPerHour/len(requests)), nil
}

// filter is what tells tables apart that hold different events of one project.
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

// check refuses what makes no sense, and days that Mixpanel does not have yet.
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

// Progress is how far a fetch has come. What earlier attempts of the same job committed is included, but for Requests,
// Retries and the bytes of responses that came to nothing.
type Progress struct {
	WindowsDone  int
	WindowsTotal int   // an estimate while windows are still being planned
	Rows         int64 // stored
	Duplicates   int64
	Quarantined  int64
	Requests     int    // sent
	Retries      int    // windows that were asked again
	Bytes        int64  // received
	Trouble      string // the last window that failed and why; "" once a later one has succeeded

	// What days that were stored before have become, see [storage.Receipt].
	Added, Removed, Updated int64

	// Warnings say what a person should know though the fetch goes on: one on each line, none twice; "" for none.
	Warnings string

	Joined    int64  // events that came in pieces
	Extra     int64  // events with keys beside event and properties
	ExtraKeys string // some of these keys

	LateDays    string // on which late events were found, as text
	DaysLeft    int    // that are due, and left by [Due.MaxWindows]
	Unavailable int    // days of those asked that Mixpanel no longer serves, as this fetch or an earlier one was told
}

// maxWarnings bounds the warnings that a fetch keeps, in bytes: a job's record holds them.
const maxWarnings = 4 << 10

// warn keeps a warning, which has no line end, unless it is already there.
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

// warnOfMoved warns of tables that the fetch has moved aside.
func (p *Progress) warnOfMoved(moved []string) {
	for _, text := range moved {
		p.warn("another program created the database: its table " + text)
	}
}

// warnOfLines warns of what was unusual in the lines of the answers.
func (p *Progress) warnOfLines() {
	if p.Extra > 0 {
		p.warn(fmt.Sprintf("%d events have keys other than event and properties, which are not stored: %s", p.Extra, p.ExtraKeys))
	}
	if p.Joined > 0 {
		p.warn(fmt.Sprintf("%d events were split over several lines and have been joined", p.Joined))
	}
}
