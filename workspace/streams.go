package workspace

import (
	"context"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

// StreamInfo describes a stream: something that Mixpanel holds beside events, and that a fetch copies into tables whose rows have a
// key.
type StreamInfo struct {
	Name     string // as in the type of _metadata: profiles, cohort_members …
	Table    string // the default table
	About    string // what it holds, for help texts
	Requests string // what a refresh costs of the query budget
	Days     bool   // it takes [StreamRequest.Days]
	Filters  bool   // it takes [StreamRequest.Profiles]
	Since    bool   // it takes [StreamRequest.Since] and [StreamRequest.Incremental]
	History  bool   // it takes [StreamRequest.History]
}

// stream is how a stream is fetched. A new one is a file with a function that returns it, and a line in [streams].
type stream struct {
	StreamInfo

	// tables describes what a request fills, the table that it names first. The caller fills in Project, and Stream where it is "".
	tables func(w *Workspace, r *StreamRequest) ([]storage.Keyed, error)

	// ask asks Mixpanel, and returns what has come for each of the tables once it is proved to be whole.
	ask func(ctx context.Context, f *refreshing) ([]harvest, error)
}

// streams are all that there are.
func streams() []stream {
	return []stream{profiles(), cohorts(), cohortMembers(), annotations(), funnels(), lexicon()}
}

// Streams returns the streams that [Workspace.FetchStream] knows.
func Streams() []StreamInfo {
	var all []StreamInfo
	for _, s := range streams() {
		all = append(all, s.StreamInfo)
	}
	return all
}

// ProfileFilter says which profiles to fetch, as [mixpanel.EngageQuery] has it. The zero value is all profiles of users.
type ProfileFilter struct {
	Where                   string   `json:"where,omitempty"`
	OutputProperties        []string `json:"output_properties,omitempty"`
	DistinctIDs             []string `json:"distinct_ids,omitempty"`
	Group                   string   `json:"group,omitempty"` // id of a group key, digits
	Cohort                  int64    `json:"cohort,omitempty"`
	OmitUsersWithoutProfile bool     `json:"omit_users_without_profile,omitempty"`
	Behaviors               string   `json:"behaviors,omitempty"`
	// AsOf is the moment at which Behaviors are evaluated, to the second; zero means when the fetch begins.
	AsOf time.Time `json:"as_of,omitzero"`
}

// StreamRequest says which stream to copy into which table.
type StreamRequest struct {
	Stream   string // of [Streams]; a dash in its name stands for an underscore
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

func (r *StreamRequest) check() (*stream, error) {
	all := streams()
	name := strings.ReplaceAll(r.Stream, "-", "_")
	i := slices.IndexFunc(all, func(s stream) bool { return s.Name == name })
	if i < 0 {
		return nil, fault.Usage("use one of "+strings.Join(streamNames(), ", "), "there is no stream %q", r.Stream)
	}
	s := &all[i]
	r.Stream = s.Name
	if r.Table == "" {
		r.Table = s.Table
		if s.Filters && r.Profiles.Group != "" {
			r.Table = "group_" + r.Profiles.Group
		}
	}
	no := func(what string) (*stream, error) { return nil, fault.Usage("omit it", "%s of %s", what, s.Name) }
	switch {
	case r.Days != day.Range{} && !s.Days:
		return no("there are no days")
	case !r.Profiles.empty() && !s.Filters:
		return no("there are no filters")
	case (!r.Since.IsZero() || r.Incremental) && !s.Since:
		return no("there is no incremental refresh")
	case r.History && !s.History:
		return no("there is no history")
	case r.FullEvery < 0 || r.FullEvery > 0 && !r.Incremental:
		return nil, fault.Usage("use it with incremental refreshes", "the time between full refreshes is %s", r.FullEvery)
	case r.Incremental && !r.Since.IsZero():
		return nil, fault.Usage("omit one of them", "a refresh since a moment and one since the last refresh exclude each other")
	}
	return s, storage.CheckTable(r.Table)
}

func streamNames() []string {
	var names []string
	for _, s := range streams() {
		names = append(names, s.Name)
	}
	return names
}
