package status

import (
	"fmt"
	"strings"
	"time"

	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/jobs"
)

// Standing says what a job is doing or waiting for. Times are in the zone of now.
func Standing(job jobs.Record, now time.Time) string {
	s := string(job.State)
	switch job.State {
	case jobs.StateWaiting:
		if job.Position > 0 {
			return fmt.Sprintf("%s, %s before it", s, wording.Grouped(int64(job.Position)))
		}
		return s + ", next in its lane"
	case jobs.StateQueued:
		if job.Unserved {
			return s + ", but " + Nobody(job)
		}
		return s + " for the next free worker"
	case jobs.StateRunning:
		if job.Attempt > 1 {
			return fmt.Sprintf("%s attempt %d of %d", s, job.Attempt, job.MaxAttempts)
		}
	case jobs.StatePaused:
		return s + " " + Until(job.RunAt, now)
	case jobs.StateRetrying:
		return fmt.Sprintf("%s %s after attempt %d of %d", s, Until(job.RunAt, now), job.Attempt, job.MaxAttempts)
	case jobs.StateDone, jobs.StateFailed, jobs.StateCancelled:
	}
	return s
}

// Until says when a job that waits until t continues.
func Until(t, now time.Time) string {
	if !t.After(now) {
		return "until a worker is free"
	}
	return "until " + wording.TimeOfDay(t, now)
}

// Reason says why a job waits or how it ended; "" if there is nothing to say.
func Reason(job jobs.Record) string {
	if job.Failure != nil && (job.State == jobs.StateRetrying || job.State == jobs.StateFailed) {
		return job.Failure.Message
	}
	return job.Progress.Note
}

// TimeLeft estimates how long a running or paused job will take. It assumes that each remaining window takes as long as those
// of the current attempt, and one request of the project's hourly budget. It returns false if there is no estimate.
func TimeLeft(job jobs.Record, now time.Time) (time.Duration, bool) {
	p := job.Progress
	done, left := p.WindowsDone-job.WindowsBefore, p.WindowsTotal-p.WindowsDone
	if left <= 0 {
		return 0, false
	}
	var paced time.Duration
	if p.RequestsPerHour > 0 {
		paced = time.Duration((left-1)/p.RequestsPerHour) * time.Hour
	}
	switch {
	case job.State == jobs.StatePaused && p.RequestsPerHour > 0:
		return max(0, job.RunAt.Sub(now)) + paced, true
	case job.State != jobs.StateRunning || done <= 0 || job.AttemptAt.IsZero():
		return paced, job.State == jobs.StateRunning && paced > 0
	}
	return max(paced, max(0, now.Sub(job.AttemptAt))/time.Duration(done)*time.Duration(left)), true
}

// Waits says what keeps a job from running; "" if nothing does.
func Waits(job jobs.Record, now time.Time) string {
	var s string
	switch job.State {
	case jobs.StateWaiting:
		s = "for its turn"
		if job.Behind != "" {
			s = "behind job " + job.Behind
		}
	case jobs.StateQueued:
		if job.Unserved {
			return "for a worker: " + Nobody(job)
		}
		return "for a free worker"
	case jobs.StatePaused, jobs.StateRetrying:
		s = Until(job.RunAt, now)
		if why := Reason(job); why != "" {
			s += ": " + why
		}
	case jobs.StateRunning, jobs.StateDone, jobs.StateFailed, jobs.StateCancelled:
		return ""
	}
	if job.Unserved {
		s += "; then for a worker: " + Nobody(job)
	}
	return s
}

// Nobody says that no worker can run the job.
func Nobody(job jobs.Record) string {
	volume, _, _ := strings.Cut(job.Database, "/")
	if job.Kind == jobs.KindPublish {
		return "no lake run publishes volume " + volume
	}
	return "no worker serves volume " + volume
}

// FilledRows says in how many rows a job has filled or changed promoted columns. It is "" for other jobs.
func FilledRows(job jobs.Record) string {
	rows := wording.Counted(job.Progress.RowsChanged, "row")
	switch job.Edit.Action {
	case jobs.ActionRefill:
		return rows + " changed"
	case jobs.ActionPromote:
		return rows + " filled"
	case jobs.ActionDrop, jobs.ActionDropAll, jobs.ActionBackup, jobs.ActionCompact, jobs.ActionModel:
	}
	return ""
}

// Summary says what a finished job has done.
func Summary(job jobs.Record) string {
	p, d := job.Progress, Took(job, job.FinishedAt)
	if rows := FilledRows(job); rows != "" {
		return fmt.Sprintf("%s: %s, %s in %s", job.State, What(job), rows, wording.ShortTime(d))
	}
	if job.Edit.Action == jobs.ActionModel {
		return fmt.Sprintf("%s: %s: %s, %s added in %s", job.State, What(job), wording.Counted(int64(p.Views), "view"),
			wording.Counted(int64(p.ColumnsAdded), "column"), wording.ShortTime(d))
	}
	if job.Kind == jobs.KindPublish {
		return fmt.Sprintf("%s: published %s, %s, %s in %s", job.State, wording.Counted(int64(p.WindowsDone), "day"), wording.Counted(p.Rows, "row"),
			wording.Megabytes(p.Bytes), wording.ShortTime(d))
	}
	if job.Kind != jobs.KindFetch {
		return fmt.Sprintf("%s: %s in %s", job.State, What(job), wording.ShortTime(d))
	}
	if s := job.Fetch.StreamName(); s != stream.Events && s != stream.All {
		return fmt.Sprintf("%s: %s: %s; %s, %s in %s", job.State, s, wording.Changes(p.Added, p.Updated, p.Removed, p.Unchanged),
			wording.Counted(int64(p.Requests), "request"), wording.Megabytes(p.Bytes), wording.ShortTime(d))
	}
	line := fmt.Sprintf("%s: %s, %s, %s quarantined, %s, %s in %s", job.State, wording.Counted(p.Rows, "row"),
		wording.Counted(p.Duplicates, "duplicate"), wording.Grouped(p.Quarantined), wording.Counted(int64(p.WindowsDone), "window"), wording.Megabytes(p.Bytes), wording.ShortTime(d))
	if d > 0 {
		line += fmt.Sprintf(" (%s rows/s)", wording.Grouped(int64(float64(p.Rows)/d.Seconds())))
	}
	if !job.Fetch.LateSince.IsZero() {
		line += "; " + wording.Late(p.LateDays)
	}
	if job.Fetch.StreamName() == stream.All {
		return line + "; " + wording.Changes(p.Added, p.Updated, p.Removed, p.Unchanged)
	}
	if more := Outcome(p); more != "" {
		line += "; " + more
	}
	return line
}

// Outcome says what a fetch changed and what it left to do.
func Outcome(p jobs.Progress) string {
	return wording.Outcome(p.Added, p.Removed, p.Updated, p.DaysLeft, p.Unavailable)
}

// LongestWhat is the maximum number of columns of a statement in [What].
const LongestWhat = 40

// What says in a few words what a job does.
func What(job jobs.Record) string {
	switch {
	case job.Kind == jobs.KindEdit:
		return string(job.Edit.Action)
	case job.Kind == jobs.KindPublish:
		return "publish " + job.Publish.DescribeDays()
	case job.Kind == jobs.KindQuery && job.Query.Inspect != "":
		return "inspect " + job.Query.Inspect
	case job.Kind == jobs.KindQuery && job.Query.Verify != nil:
		return "verify " + job.Query.Verify.Table
	case job.Kind == jobs.KindQuery && job.Query.Ask != nil:
		return "ask " + job.Query.Ask.Name
	case job.Kind == jobs.KindQuery && job.Query.Profiles != nil:
		return "profiles"
	case job.Kind == jobs.KindQuery:
		return wording.Cut(wording.Printable(strings.Join(strings.Fields(job.Query.SQL), " ")), LongestWhat)
	}
	return job.Fetch.DescribeDays()
}

// Took returns the time since the job's start, including breaks; 0 before it started.
func Took(r jobs.Record, now time.Time) time.Duration {
	switch {
	case r.StartedAt.IsZero():
		return 0
	case !r.FinishedAt.IsZero():
		now = r.FinishedAt
	}
	return max(0, now.Sub(r.StartedAt))
}

// Result says in a few words how a job ended, or its state if it has not.
func Result(job jobs.Record) string {
	switch {
	case job.State == jobs.StateDone:
		return "done, " + wording.Counted(job.Progress.Rows, "row")
	case job.State == jobs.StateFailed && job.Failure != nil:
		return wording.Cut("failed: "+job.Failure.Message, LongestWhat)
	}
	return string(job.State)
}

// Database returns a database without its volume if that is the default one.
func Database(database string) string {
	return wording.Printable(strings.TrimPrefix(database, jobs.DefaultVolume+"/"))
}
