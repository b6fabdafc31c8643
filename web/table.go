package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

var (
	lastSuccess  = gauge("mixduck_last_success_timestamp_seconds", "Time of the last successful fetch into the table.", "project", "table")
	lastComplete = gauge("mixduck_last_complete_day_timestamp_seconds", "The newest completely stored day, as 00:00 UTC.", "project", "table")
	lastTick     = gauge("mixduck_last_tick_timestamp_seconds", "Last due time of an active schedule for the table.", "project", "table")
	coverageDays = gauge("mixduck_coverage_days", "Days of the table, by coverage state.", "project", "table", "state")
	timeWarning  = gauge("mixduck_time_warning", "1 if the times of the table's events look wrong, otherwise 0.", "project", "table")
	tableRows    = gauge("mixduck_table_rows", "Rows in the table.", "project", "table")

	lastRefresh = gauge("mixduck_last_refresh_timestamp_seconds", "Start of the last refresh of a table without days.", "project", "table")
	refreshRows = gauge("mixduck_refresh_rows", "Rows that the last refresh of a table without days has added, updated or removed.", "project", "table", "state")

	lastVerified        = gauge("mixduck_last_verified_timestamp_seconds", "Time of the last comparison with Mixpanel after a fetch.", "project", "table")
	verifiedDifferences = gauge("mixduck_verified_differences", "Differences that the last comparison with Mixpanel found: events on a day.", "project", "table")
)

// tableName identifies a table in metrics.
type tableName struct{ project, table string }

// tableInfo is the state of a table.
type tableInfo struct {
	held jobs.TableState
	tick time.Time // latest of its enabled schedules; zero for none
}

// tables combines the states of tables with the schedules that fill them. If a table of a project is in several
// databases, that of a schedule counts, otherwise the one with the latest successful fetch. name returns the name of a
// project.
func tables(held []jobs.TableState, schedules []schedule.State, name func(string) string) map[tableName]tableInfo {
	type target struct {
		tableName

		database string
	}
	scheduled, exists := map[target]bool{}, map[target]bool{}
	for _, h := range held {
		exists[target{tableName{name(h.Project), h.Table}, h.Database}] = true
	}
	all := map[tableName]tableInfo{}
	for _, s := range schedules {
		for _, table := range status.TablesOf(s) {
			n := tableName{name(s.Project), table}
			if table != s.Table && !exists[target{n, s.Database}] {
				continue // the plan may lack a stream
			}
			scheduled[target{n, s.Database}] = true
			if t := all[n]; !s.Disabled && !s.Paused && s.LastTick.After(t.tick) {
				t.tick = s.LastTick
				all[n] = t
			}
		}
	}
	for _, h := range held {
		n := tableName{name(h.Project), h.Table}
		t := all[n]
		mine, other := scheduled[target{n, h.Database}], scheduled[target{n, t.held.Database}]
		if t.held.Database == "" || mine && !other || mine == other && h.SucceededAt.After(t.held.SucceededAt) {
			t.held = h
			all[n] = t
		}
	}
	return all
}

// succeeded returns when the last fetch into a table succeeded. A fetch of all streams is only recorded with the table of
// events; for the others, the start of their last refresh counts.
func succeeded(t jobs.TableState) time.Time {
	if !t.Dated() && t.FetchedAt.After(t.SucceededAt) {
		return t.FetchedAt
	}
	return t.SucceededAt
}

func collectTables(out chan<- prometheus.Metric, all map[tableName]tableInfo) {
	at := func(d *prometheus.Desc, t time.Time, n tableName) {
		if !t.IsZero() {
			set(out, d, seconds(t), n.project, n.table)
		}
	}
	for n, t := range all {
		at(lastTick, t.tick, n)
		at(lastSuccess, succeeded(t.held), n)
		if t.held.ReadAt.IsZero() {
			continue
		}
		if last := t.held.LastComplete; last != nil {
			at(lastComplete, last.Start(time.UTC), n)
		}
		set(out, tableRows, float64(t.held.Rows), n.project, n.table)
		if !t.held.Dated() {
			at(lastRefresh, t.held.FetchedAt, n)
			for state, rows := range map[string]int64{"added": t.held.Added, "updated": t.held.Updated, "removed": t.held.Removed} {
				set(out, refreshRows, float64(rows), n.project, n.table, state)
			}
			continue
		}
		set(out, timeWarning, number(t.held.TimeWarning != ""), n.project, n.table)
		if v := t.held.Verified; v != nil && v.Days != (day.Range{}) {
			at(lastVerified, v.At, n)
			set(out, verifiedDifferences, float64(v.Differences), n.project, n.table)
		}
		for state, days := range map[string]int{
			"complete": t.held.Complete, "partial": t.held.Partial, "unavailable": t.held.Unavailable, "missing": t.held.Missing,
		} {
			set(out, coverageDays, float64(days), n.project, n.table, state)
		}
	}
}
