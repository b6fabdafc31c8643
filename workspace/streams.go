package workspace

import (
	"context"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/storage"
)

// StreamInfo says what a request for a stream may contain.
type StreamInfo = stream.Info

// source of a stream: how it is fetched. A new one is a file with a function that returns it, and a line in [sources].
type streamSource struct {
	name string // of [stream.List]

	// tables describes what a request fills, the table that it names first. The caller fills in Project, and Stream where it is "".
	tables func(w *Workspace, r *StreamRequest) ([]storage.Keyed, error)

	// ask asks Mixpanel, and returns what has come for each of the tables once it is proved to be whole.
	ask func(ctx context.Context, f *refreshing) ([]harvest, error)
}

// streamSources are all that there are.
func streamSources() []streamSource {
	return []streamSource{profiles(), cohorts(), cohortMembers(), annotations(), funnels(), lexicon()}
}

// Streams returns the streams that [Workspace.FetchStream] knows: all but events.
func Streams() []StreamInfo { return stream.Keyed() }

// ProfileFilter says which profiles to fetch.
type ProfileFilter = stream.Filter

// StreamRequest says which stream to copy into which table.
type StreamRequest struct {
	Stream   string // of [Streams]; an underscore stands for a dash
	Table    string // "" means the stream's default
	Profiles ProfileFilter

	// A refresh is full, unless one of these says otherwise: then it asks only for profiles that were seen since a moment, less a day
	// of overlap, and removes none. Deletions, and changes without $last_seen, need a full refresh.
	Since       time.Time     // not zero: since then
	Incremental bool          // since the table's last refresh; the first one is full
	FullEvery   time.Duration // with Incremental: full, if the last full refresh is older; 0 means never

	History bool      // keep each version of a profile; a setting of the table, made with its first refresh
	Days    day.Range // of streams that take days; zero means the stream's look-back
	Force   bool      // let an answer without any row empty a table that has many

	Job   string // an id of the request: once a refresh with it is committed, another call with it does nothing; "" makes a new one
	Fence int64  // see [storage.Engine.Load]; 0 where no queue hands out turns

	// Drain, once closed, ends the fetch before its refresh: it returns [ErrDrained]. A refresh that has begun is committed. May be nil.
	Drain <-chan struct{}
}

// Check returns an error, with a hint, if no fetch can have the request, and fills in the stream's name and its default table.
// Whether Mixpanel takes its expressions only Mixpanel knows.
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
	case r.History && !info.Some:
		return no("there is no history")
	case r.FullEvery < 0 || r.FullEvery > 0 && !r.Incremental:
		return nil, fault.Usage("use it with incremental refreshes", "the time between full refreshes is %s", r.FullEvery)
	case r.Incremental && !r.Since.IsZero():
		return nil, fault.Usage("omit one of them", "a refresh since a moment and one since the last refresh exclude each other")
	}
	return &all[i], storage.CheckTable(r.Table)
}
