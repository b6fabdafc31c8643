package main

import (
	"cmp"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/status"
)

// statusObject is a table in `status --format json`. Fields are only ever added.
type statusObject struct {
	Project          string          `json:"project"`
	ProjectID        int64           `json:"project_id"` // 0 if unknown to the workers
	Database         string          `json:"database"`
	Table            string          `json:"table"`
	State            status.Verdict  `json:"state"`
	LastCompleteDay  *day.Day        `json:"last_complete_day"` // null for none
	BehindSeconds    float64         `json:"behind_seconds"`    // since the end of that day; without one, since the schedule was created
	Rows             int64           `json:"rows"`
	CompleteDays     int             `json:"complete_days"`
	PartialDays      int             `json:"partial_days"`
	MissingDays      int             `json:"missing_days"` // between the first and the last stored day
	UnavailableDays  int             `json:"unavailable_days"`
	QuarantinedLines int64           `json:"quarantined_lines"`
	FileBytes        int64           `json:"file_bytes"`
	SucceededAt      *time.Time      `json:"succeeded_at"` // last successful fetch; null for none
	Job              string          `json:"job"`          // of the last fetch
	Error            *objectError    `json:"error"`        // of the last fetch; null if it succeeded
	Failing          []failingObject `json:"failing"`      // failed days
	Schedules        []string        `json:"schedules"`    // their names
	NextRunAt        *time.Time      `json:"next_run_at"`  // null for never
	RequestsLeft     *int            `json:"requests_left"`
	RequestsPerHour  *int            `json:"requests_per_hour"` // both null if the project's ID is unknown
	Type             string          `json:"type"`              // events, or the stream of a table without days
	FetchedAt        *time.Time      `json:"fetched_at"`        // null for never
	TimeWarning      string          `json:"time_warning"`      // what event times show about the project's settings; "" for nothing
	Snapshot         *snapshotObject `json:"snapshot"`          // of the database; null for none
	Verified         *verifiedObject `json:"verified"`          // the last comparison with Mixpanel after a fetch; null for none
	Added            int64           `json:"added"`             // rows, by the last refresh of a table without days
	Updated          int64           `json:"updated"`
	Removed          int64           `json:"removed"`

	Completeness status.Completeness `json:"completeness"`
	Missing      []rangeObject       `json:"missing"`     // ranges of missing days, from the day map
	OldPartial   []rangeObject       `json:"old_partial"` // ranges of partial days before the last complete one
}

// rangeObject is a range of days.
type rangeObject struct {
	From day.Day `json:"from"`
	To   day.Day `json:"to"`
}

func rangeObjects(all []day.Range) []rangeObject {
	objects := make([]rangeObject, len(all))
	for i, r := range all {
		objects[i] = rangeObject(r)
	}
	return objects
}

// failingObject is a range of failed days.
type failingObject struct {
	From    day.Day `json:"from"`
	To      day.Day `json:"to"`
	Message string  `json:"message"`
}

func newStatusObjects(tables []status.Table, budgets map[int64]budget.State, snapshots []jobs.Snapshot, now time.Time) []statusObject {
	objects := make([]statusObject, len(tables))
	for i, t := range tables {
		s := t.State
		o := statusObject{
			Project: t.Project.Name, ProjectID: t.Project.ID, Database: s.Database, Table: s.Table, State: t.Verdict,
			LastCompleteDay: s.LastComplete, BehindSeconds: t.Behind.Seconds(), Rows: s.Rows,
			CompleteDays: s.Complete, PartialDays: s.Partial, MissingDays: s.Missing, UnavailableDays: s.Unavailable,
			QuarantinedLines: s.Quarantined, FileBytes: s.FileBytes, TimeWarning: s.TimeWarning,
			Verified: newVerifiedObject(s.Verified), Added: s.Added, Updated: s.Updated, Removed: s.Removed, Type: cmp.Or(s.Type, stream.Events), FetchedAt: timeOrNull(s.FetchedAt), SucceededAt: timeOrNull(s.SucceededAt), Job: s.Job,
			Failing: []failingObject{}, Schedules: []string{}, NextRunAt: timeOrNull(t.Next),
		}
		o.Completeness, o.Missing, o.OldPartial = t.Completeness, rangeObjects(t.Gaps.Missing), rangeObjects(t.Gaps.Partial)
		if s.Failure != nil {
			o.Error = &objectError{Code: s.Failure.Code, Message: s.Failure.Message, Hint: s.Failure.Hint}
		}
		for _, f := range s.Failing {
			o.Failing = append(o.Failing, failingObject{f.Days.From, f.Days.To, f.Message})
		}
		for _, schedule := range t.Schedules {
			o.Schedules = append(o.Schedules, schedule.Name)
		}
		if b, known := budgets[t.Project.ID]; known {
			o.RequestsLeft, o.RequestsPerHour = &b.Left, &b.Limit
		}
		if i := slices.IndexFunc(snapshots, func(made jobs.Snapshot) bool { return made.Database == s.Database }); i >= 0 {
			o.Snapshot = newSnapshotObject(snapshots[i], now)
		}
		objects[i] = o
	}
	return objects
}
