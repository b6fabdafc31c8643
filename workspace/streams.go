package workspace

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/storage"
)

// StreamInfo describes what a request for a stream can contain.
type StreamInfo = stream.Info

// streamSource describes how to fetch a stream. For a new one, add a file with a function that returns it, and a line
// in [streamSources].
type streamSource struct {
	name string // of [stream.List]

	// tables describes the tables that a request fills, starting with the one that it names. The caller sets Project,
	// and Stream if it is "".
	tables func(w *Workspace, r *StreamRequest) ([]storage.Keyed, error)

	// ask fetches the data from Mixpanel, and returns it for each table once it is proved complete.
	ask func(ctx context.Context, f *refreshing) ([]harvest, error)
}

// streamSources returns all sources.
func streamSources() []streamSource {
	return []streamSource{profiles(), cohorts(), cohortMembers(), annotations(), funnels(), lexicon(), reports()}
}

// Streams returns the streams that [Workspace.FetchStream] supports: all except events.
func Streams() []StreamInfo { return stream.Keyed() }

// ProfileFilter selects the profiles to fetch.
type ProfileFilter = stream.Filter

// StreamRequest says which stream to copy into which table.
type StreamRequest struct {
	Stream   string // one of [Streams]; an underscore can replace a dash
	Table    string // "" means the stream's default
	Profiles ProfileFilter

	// A refresh is full by default. With one of these settings, it fetches only profiles seen since a time, minus a
	// day of overlap, and removes none. Deletions, and changes without $last_seen, need a full refresh.
	Since       time.Time     // not zero: since this time
	Incremental bool          // since the table's last refresh; the first one is full
	FullEvery   time.Duration // with Incremental: do a full refresh if the last one is older; 0 means never

	ReportIDs []int64 // for reports: only these; empty means all

	History bool      // keep each version of a profile; fixed by the table's first refresh
	Days    day.Range // for streams with days; zero means the stream's lookback
	Force   bool      // allow an empty response to empty a table with many rows

	Job   string // ID of the request: after a committed refresh, another call with the same ID does nothing; "" makes a new one
	Fence int64  // see [storage.Engine.Load]; 0 without a queue that hands out turns
	Kept  *Kept  // takes over answers from one call to the next; may be nil

	// Drain, once closed, ends the fetch before its refresh: FetchStream returns [ErrDrained]. A refresh that has
	// begun is committed. May be nil.
	Drain <-chan struct{}
}

// Check returns an error with a hint for invalid requests, and sets the stream's name and its default table. It does
// not check expressions, because only Mixpanel can.
func (r *StreamRequest) Check() error {
	_, err := r.check()
	return err
}

func (r *StreamRequest) check() (*streamSource, error) {
	info, err := stream.Find(strings.ReplaceAll(r.Stream, "_", "-"))
	if err != nil {
		return nil, err
	}
	all := streamSources()
	i := slices.IndexFunc(all, func(s streamSource) bool { return s.name == info.Name })
	if i < 0 || r.Stream == "" {
		return nil, fault.Usage("use a stream with a table of its own, such as profiles", "%q is not a stream of rows with a key", r.Stream)
	}
	r.Stream = info.Name
	if r.Table == "" {
		r.Table = info.Table
		if r.Profiles.Group != "" {
			r.Table = stream.GroupTable(r.Profiles.Group)
		}
	}
	no := func(what string) (*streamSource, error) {
		return nil, fault.Usage("omit it", "%s of %s", what, info.Name)
	}
	switch {
	case r.Days != day.Range{} && !info.Days:
		return no("there are no days")
	case !r.Profiles.IsZero() && !info.Some:
		return no("there are no filters")
	case (!r.Since.IsZero() || r.Incremental) && !info.Some:
		return no("there is no incremental refresh")
	case len(r.ReportIDs) > 0 && !info.ByID:
		return no("there are no ids of reports")
	case r.History && !info.Some:
		return no("there is no history")
	case r.FullEvery < 0 || r.FullEvery > 0 && !r.Incremental:
		return nil, fault.Usage("use it with incremental refreshes", "the time between full refreshes is %s", r.FullEvery)
	case r.Incremental && !r.Since.IsZero():
		return nil, fault.Usage("omit one of them", "a refresh since a moment and one since the last refresh exclude each other")
	}
	return &all[i], cmp.Or(stream.CheckReportIDs(r.ReportIDs), storage.CheckTable(r.Table))
}

// secondTable returns the name of a stream's second table, given that of the first.
func secondTable(name, table string) string {
	info, err := stream.Find(name)
	if err != nil {
		panic(err) // the name is a constant
	}
	return info.Tables(table)[1]
}
