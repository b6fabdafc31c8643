package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// insights is the type of reports with results that Mixpanel hands out.
const insights = "insights"

// reports is the stream of the saved reports and of the results of those of Insights. Each result is committed when it
// has come, so that a project with more reports than requests in an hour gets there, too.
func reports() streamSource {
	return streamSource{
		name: stream.Reports,
		tables: func(_ *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
			return []storage.Keyed{
				{Name: r.Table, Columns: columns(1, "id", "BIGINT", "name", "VARCHAR", "type", "VARCHAR", "description", "VARCHAR", "created", "TIMESTAMP",
					"modified", "TIMESTAMP", "creator_name", "VARCHAR", "dashboard_id", "VARCHAR", "raw", "JSON")},
				{Name: secondTable(stream.Reports, r.Table), Stream: "reports_values", Columns: columns(3, "report_id", "BIGINT", "series", "VARCHAR", "key", "VARCHAR", "value", "DOUBLE")},
			}, nil
		},
		ask: askReports,
	}
}

func askReports(ctx context.Context, f *refreshing) ([]harvest, error) {
	chosen := f.chosenReports()
	if chosen != nil && slices.Contains(f.scopes(0), chosen.Name()) { // the list is committed after all values
		return nil, nil
	}
	all, fetchedAt, err := fetchList(ctx, f, ledger{}, func() ([]mixpanel.Bookmark, error) { return f.source.Bookmarks(ctx, f.cfg.Project.ID, "") })
	if err != nil {
		return nil, err
	}
	if all, err = only(f.req.ReportIDs, all); err != nil {
		return nil, err
	}
	var rows list
	rest := &storage.Scope{Except: true} // reports that are gone have no values
	for _, b := range all {
		rows = append(rows, [][]byte{
			number(b.ID), text(b.Name), text(b.Type), text(b.Description), text(b.Created), text(b.Modified), text(b.Creator), text(b.Dashboard), b.Raw,
		})
		if b.Type != insights && chosen == nil {
			continue
		}
		id := strconv.FormatInt(b.ID, 10)
		rest.Values = append(rest.Values, id)
		f.update(func(p *Progress) { p.WindowsTotal++ })
		if !slices.Contains(f.scopes(1), id) {
			if err := f.report(ctx, b, id); err != nil {
				return nil, err
			}
		}
		f.update(func(p *Progress) { p.WindowsDone++ })
	}
	h := rows.harvest(fetchedAt)
	if h.within = chosen; chosen != nil {
		return []harvest{h}, nil
	}
	return []harvest{h, {fetchedAt: fetchedAt, within: rest}}, nil
}

// chosenReports returns the reports to which the request is limited, nil for all.
func (f *refreshing) chosenReports() *storage.Scope {
	if len(f.req.ReportIDs) == 0 {
		return nil
	}
	scope := &storage.Scope{}
	for _, id := range stream.SortedReportIDs(f.req.ReportIDs) {
		scope.Values = append(scope.Values, strconv.FormatInt(id, 10))
	}
	return scope
}

// only returns the reports with these IDs, or all if there are none. It fails if one does not exist.
func only(ids []int64, all []mixpanel.Bookmark) (some []mixpanel.Bookmark, err error) {
	if len(ids) == 0 {
		return all, nil
	}
	var unknown []int64
	for _, id := range ids {
		i := slices.IndexFunc(all, func(b mixpanel.Bookmark) bool { return b.ID == id })
		if i < 0 {
			unknown = append(unknown, id)
			continue
		}
		some = append(some, all[i])
	}
	if len(unknown) > 0 {
		return nil, fault.Usage("enqueue and mp list the reports with 'ask reports'", "the project has no saved report %s", stream.JoinReportIDs(unknown))
	}
	return some, nil
}

// report refreshes the values of a report. One that Mixpanel refuses to run, or without numbers, is a warning: its values
// stay as they are. A report that is not of Insights has no values.
func (f *refreshing) report(ctx context.Context, b mixpanel.Bookmark, id string) error {
	within := &storage.Scope{Values: []string{id}}
	if b.Type != insights {
		f.update(func(p *Progress) {
			p.warn(fmt.Sprintf("report %s (%s) has no values: it is of type %s, not %s", id, b.Name, b.Type, insights))
		})
		return f.refresh(ctx, f.tables[1], harvest{fetchedAt: f.cfg.Now(), within: within})
	}
	var result mixpanel.SavedReport
	var fetchedAt time.Time
	err := f.ask(ctx, f.counted(), func() (err error) {
		fetchedAt = f.cfg.Now()
		result, err = f.source.SavedReport(ctx, f.cfg.Project.ID, b.ID)
		return err
	})
	if api, ok := errors.AsType[*mixpanel.Error](err); err != nil && (!ok || api.Reason != mixpanel.ReasonBadRequest && api.Reason != mixpanel.ReasonNotFound) {
		return err
	}
	var points []mixpanel.Point
	if err == nil {
		points, err = result.Points()
	}
	if err != nil {
		f.update(func(p *Progress) { p.warn(fmt.Sprintf("report %s (%s) was not fetched: %v", id, b.Name, err)) })
		return nil //nolint:nilerr // documented
	}
	var rows list
	for _, p := range points {
		rows = append(rows, [][]byte{[]byte(id), texts(p.Series), []byte(p.Key), text(string(p.Value))})
	}
	h := rows.harvest(fetchedAt)
	h.within = within
	return f.refresh(ctx, f.tables[1], h)
}
