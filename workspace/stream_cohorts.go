package workspace

import (
	"context"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/stream"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// cohorts is the stream of a project's saved cohorts.
func cohorts() streamSource {
	return streamSource{
		name: stream.Cohorts,
		tables: func(_ *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
			return []storage.Keyed{{Name: r.Table, Columns: columns(1, "id", "BIGINT", "name", "VARCHAR", "description", "VARCHAR",
				"created", "TIMESTAMP", "count", "BIGINT", "is_visible", "BOOLEAN", "data_group_id", "VARCHAR", "raw", "JSON")}}, nil
		},
		ask: func(ctx context.Context, f *refreshing) ([]harvest, error) {
			all, fetchedAt, err := f.cohorts(ctx)
			var rows list
			for _, c := range all {
				rows = append(rows, [][]byte{
					number(c.ID), text(c.Name), text(c.Description), text(c.Created), number(c.Count), boolean(c.Visible), text(c.Group), c.Raw,
				})
			}
			return []harvest{rows.harvest(fetchedAt)}, err
		},
	}
}

func (f *refreshing) cohorts(ctx context.Context) ([]mixpanel.Cohort, time.Time, error) {
	return fetchList(ctx, f, f.counted(), func() ([]mixpanel.Cohort, error) { return f.source.Cohorts(ctx, f.cfg.Project.ID) })
}

// cohortMembers is the stream of current and former cohort members, as seen by refreshes. Each cohort is committed
// when it has been fetched, so a project with more cohorts than requests per hour also succeeds.
func cohortMembers() streamSource {
	return streamSource{
		name: stream.CohortMembers,
		tables: func(_ *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
			return []storage.Keyed{{
				Name: r.Table, History: true, Since: "joined", Until: "left",
				Columns: columns(2, "cohort_id", "BIGINT", "distinct_id", "VARCHAR"),
			}}, nil
		},
		ask: func(ctx context.Context, f *refreshing) ([]harvest, error) {
			all, fetchedAt, err := f.cohorts(ctx)
			if err != nil {
				return nil, err
			}
			f.update(func(p *Progress) { p.WindowsTotal += len(all) })
			rest := &storage.Scope{Except: true} // deleted cohorts have no members
			for _, c := range all {
				id := strconv.FormatInt(c.ID, 10)
				rest.Values = append(rest.Values, id)
				if !slices.Contains(f.scopes(0), id) {
					if err := f.members(ctx, c, id); err != nil {
						return nil, err
					}
				}
				f.update(func(p *Progress) { p.WindowsDone++ })
			}
			return []harvest{{fetchedAt: fetchedAt, within: rest}}, nil
		},
	}
}

// members refreshes the members of a cohort.
func (f *refreshing) members(ctx context.Context, c mixpanel.Cohort, id string) error {
	q := mixpanel.EngageQuery{
		Project: f.cfg.Project.ID, Cohort: c.ID, Group: c.Group,
		OutputProperties: []string{"$last_seen"}, // any short one: without it, all are returned
	}
	within := &storage.Scope{Values: []string{id}}
	h, err := f.profiles(ctx, profileQuery{EngageQuery: q, key: [][]byte{[]byte(id)}, within: within})
	if err != nil {
		return err
	}
	h.within = within
	if err := f.refresh(ctx, f.tables[0], h); err != nil {
		return err
	}
	return f.clearSpool()
}
