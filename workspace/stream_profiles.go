package workspace

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// profiles is the stream of the profiles of users, or of the groups of a group key.
func profiles() streamSource {
	return streamSource{
		name:   stream.Profiles,
		tables: profileTables,
		ask: func(ctx context.Context, f *refreshing) ([]harvest, error) {
			h, err := f.profiles(ctx, profileQuery{EngageQuery: f.query()})
			return []harvest{h}, err
		},
	}
}

func profileTables(_ *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
	if err := checkFilter(r); err != nil {
		return nil, err
	}
	filter, err := canonical(&r.Profiles)
	return []storage.Keyed{{
		Name: r.Table, Filter: filter, History: r.History,
		Columns: []storage.KeyedColumn{
			{Name: "distinct_id", Type: "VARCHAR", Key: true},
			{Name: "properties", Type: "JSON"},
			{Name: "last_seen", Type: "TIMESTAMP"},
		},
	}}, err
}

// checkFilter rejects conflicting filters.
func checkFilter(r *StreamRequest) error {
	p := &r.Profiles
	var behaviors []json.RawMessage
	_, digits := strconv.ParseUint(p.Group, 10, 64)
	switch {
	case p.Group != "" && digits != nil:
		return fault.Usage("Mixpanel shows the id of a group key in the project's settings", "%q is not the id of a group key: it has digits only", p.Group)
	case p.Cohort < 0:
		return fault.Usage("use the id that Mixpanel shows for the cohort", "%d is not the id of a cohort", p.Cohort)
	case p.Cohort != 0 && len(p.DistinctIDs) > 0:
		return fault.Usage("omit one of them", "a cohort and distinct ids exclude each other")
	case p.Cohort != 0 && p.Behaviors != "":
		return fault.Usage("omit one of them", "a cohort and behaviors exclude each other")
	case p.OmitUsersWithoutProfile && p.Cohort == 0:
		return fault.Usage("name a cohort, too", "only members of a cohort can be without a profile")
	case !p.AsOf.IsZero() && p.Behaviors == "":
		return fault.Usage("give behaviors, too", "a moment of behaviors needs behaviors")
	case p.Behaviors != "" && json.Unmarshal([]byte(p.Behaviors), &behaviors) != nil:
		return fault.Usage("see Mixpanel's reference of engage", "the behaviors are not a JSON array")
	case len(p.DistinctIDs) > 0 && (!r.Since.IsZero() || r.Incremental):
		return fault.Usage("omit one of them", "distinct ids and an incremental refresh exclude each other")
	}
	return nil
}

// canonical returns a text that differs for tables with different profiles.
func canonical(p *ProfileFilter) (string, error) {
	if p.IsZero() {
		return "", nil
	}
	b, err := json.Marshal(p)
	return string(b), err
}

// seenOverlap is the overlap of incremental refreshes: $last_seen has no zone, and changes to profiles are delayed.
const seenOverlap = 24 * time.Hour

// query returns the query for Mixpanel.
func (f *refreshing) query() mixpanel.EngageQuery {
	p := f.req.Profiles
	q := mixpanel.EngageQuery{
		Project: f.cfg.Project.ID, Where: p.Where, OutputProperties: p.OutputProperties, DistinctIDs: p.DistinctIDs, Group: p.Group,
		Cohort: p.Cohort, OmitUsersWithoutProfile: p.OmitUsersWithoutProfile, Behaviors: p.Behaviors, AsOf: p.AsOf,
	}
	if q.Behaviors != "" && q.AsOf.IsZero() {
		q.AsOf = f.began
	}
	if !f.since.IsZero() {
		q.Where = mixpanel.SeenSince(f.since.Add(-seenOverlap), strings.TrimSpace(q.Where))
	}
	return q
}
