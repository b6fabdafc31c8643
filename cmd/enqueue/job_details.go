package main

import (
	"fmt"
	"strings"
	"time"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// details describes a job, with commands spelled for how this program was started.
func (a *app) details(job jobs.Record) string {
	if job.Failure != nil {
		f := *job.Failure
		f.Hint = a.Spell(f.Hint)
		job.Failure = &f
	}
	return details(job, a.Now())
}

// details describes a job, one item per line, without unknown items.
func details(job jobs.Record, now time.Time) string {
	var l lines
	l.add("job", job.ID)
	l.add("status", statusLine(job, now, 0))
	l.add("waits", status.Waits(job, now))
	l.add("schedule", scheduleOf(job))
	l.add("priority", string(job.Priority))
	l.add("project", job.Project)
	l.add("database", job.Database)
	l.add("table", job.Table())
	switch job.Kind {
	case jobs.KindEdit:
		l.add("change", string(job.Edit.Action))
	case jobs.KindPublish:
		l.add("days", job.Publish.DescribeDays())
		l.add("published", fmt.Sprintf("%d of %s, %s, %s", job.Progress.WindowsDone, wording.Counted(int64(job.Progress.WindowsTotal), "day"),
			wording.Counted(job.Progress.Rows, "row"), wording.Megabytes(job.Progress.Bytes)))
		for _, warning := range console.Warnings(job.Progress.Warnings) {
			l.add("warning", warning)
		}
	case jobs.KindQuery, jobs.KindAsk:
		if v := job.Query.Verify; v != nil {
			l.add("question", "verify "+v.Table)
			break
		}
		if q := job.Query.Ask; q != nil {
			l.add("question", "ask "+q.String())
			break
		}
		if job.Query.Profiles != nil {
			l.add("question", "profiles")
			break
		}
		l.add("question", strings.Join(append([]string{job.Query.Inspect + job.Query.SQL}, job.Query.Args...), " "))
	case jobs.KindFetch:
		l.addFetch(job)
	}
	l.add("attempts", fmt.Sprintf("%d of %d", job.Attempt, job.MaxAttempts))
	if r := job.Result; r != nil {
		l.add("result", fmt.Sprintf("%s, %s as %s", wording.Counted(r.Rows, "row"), wording.Megabytes(r.Bytes), job.Query.Format))
		l.addTime("expires", r.Expires)
	}
	l.add("worker", job.Worker)
	l.addTime("created", job.CreatedAt)
	l.addTime("started", job.StartedAt)
	l.addTime("finished", job.FinishedAt)
	if d := status.Took(job, now); d > 0 {
		l.add("took", wording.ShortTime(d))
	}
	if job.Failure != nil && job.State != jobs.StateDone {
		l.add("error", fmt.Sprintf("%s (%s)", job.Failure.Message, job.Failure.Code))
		l.add("try", job.Failure.Hint)
	}
	return l.b.String()
}

// scheduleOf names the schedule and tick that made a job; "" for none.
func scheduleOf(job jobs.Record) string {
	s := job.Schedule
	if !job.Tick.IsZero() {
		s += ", run " + job.Tick.Format(time.RFC3339)
	}
	if job.Piece > 0 {
		s += fmt.Sprintf(", piece %d", job.Piece)
	}
	return s
}

func describeRange(r day.Range) string {
	return fmt.Sprintf("%s (%s)", r, wording.Counted(int64(r.Len()), "day"))
}

// lines builds lines of names and values.
type lines struct{ b strings.Builder }

// addFetch adds lines that only fetches have.
func (l *lines) addFetch(job jobs.Record) {
	f, p := job.Fetch, job.Progress
	l.add("stream", f.StreamName())
	if f.Days != (day.Range{}) {
		l.add("days", describeRange(f.Days))
	}
	l.add("reports", stream.JoinReportIDs(f.ReportIDs))
	l.addTime("late", f.LateSince)
	l.add("mode", string(f.Mode))
	l.add("events", console.JoinNames(f.Events))
	l.add("where", f.Where)
	l.add("windows", fmt.Sprintf("%d of %d", p.WindowsDone, p.WindowsTotal))
	l.add("requests", fmt.Sprintf("%d, of which %d were retries", p.Requests, p.Retries))
	l.add("rows", fmt.Sprintf("%s, and %s, %s quarantined", wording.Grouped(p.Rows), wording.Counted(p.Duplicates, "duplicate"), wording.Grouped(p.Quarantined)))
	l.add("received", wording.Megabytes(p.Bytes))
	l.add("found", p.LateDays)
	l.add("outcome", status.Outcome(p))
	l.add("verified", status.Verified(p.Verified))
	l.add("trouble", p.Trouble)
	for _, warning := range console.Warnings(p.Warnings) {
		l.add("warning", warning)
	}
}

// add adds a line, unless the value is empty.
func (l *lines) add(name, value string) {
	if value != "" {
		fmt.Fprintf(&l.b, "%-9s %s\n", name, wording.Printable(value))
	}
}

func (l *lines) addTime(name string, t time.Time) {
	if !t.IsZero() {
		l.add(name, t.UTC().Format(time.RFC3339))
	}
}
