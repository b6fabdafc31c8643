package main

import (
	"fmt"
	"strings"
	"time"

	"mixduck/cmd/internal/console"
	"mixduck/internal/stream"
	"mixduck/jobs"
)

// statusLine describes a job's state in at most width columns; 0 means any number. It starts with what the job does or
// waits for, then its progress. The reason for a wait comes last, because it can be long. Times of day are in the zone
// of now.
func statusLine(job jobs.Record, now time.Time, width int) string {
	parts := []string{standing(job, now)}
	p := job.Progress
	if p.WindowsTotal > 0 {
		requests := p.Requests
		if job.State != jobs.StateRunning {
			requests = 0 // none in progress
		}
		parts = append(parts, console.Windows(p.WindowsDone, p.WindowsTotal, requests, p.Bytes))
	}
	if p.Rows > 0 || p.Bytes > 0 {
		parts = append(parts, console.Counted(p.Rows, "row"), console.Megabytes(p.Bytes))
	}
	if job.Edit.Action == jobs.ActionRefill {
		parts = append(parts, console.Counted(p.RowsChanged, "row")+" changed")
	}
	if p.Retries > 0 {
		parts = append(parts, console.CountedAs(int64(p.Retries), "retry", "retries"))
	}
	if left, ok := timeLeft(job, now); ok {
		parts = append(parts, "ETA "+console.ShortTime(left))
	}
	line := strings.Join(parts, ", ")
	if why := reason(job); why != "" {
		line += ": " + why
	}
	return console.Cut(console.Printable(line), width)
}

// standing describes what a job does or waits for.
func standing(job jobs.Record, now time.Time) string {
	s := string(job.State)
	switch job.State {
	case jobs.StateWaiting:
		if job.Position > 0 {
			return fmt.Sprintf("%s, %s before it", s, console.Grouped(int64(job.Position)))
		}
		return s + ", next in its lane"
	case jobs.StateQueued:
		if job.Unserved {
			return s + ", but " + nobody(job)
		}
		return s + " for the next free worker"
	case jobs.StateRunning:
		if job.Attempt > 1 {
			return fmt.Sprintf("%s attempt %d of %d", s, job.Attempt, job.MaxAttempts)
		}
	case jobs.StatePaused:
		return s + " " + until(job.RunAt, now)
	case jobs.StateRetrying:
		return fmt.Sprintf("%s %s after attempt %d of %d", s, until(job.RunAt, now), job.Attempt, job.MaxAttempts)
	case jobs.StateDone, jobs.StateFailed, jobs.StateCancelled:
	}
	return s
}

// until describes when a job that waits until t continues.
func until(t, now time.Time) string {
	if !t.After(now) {
		return "until a worker is free"
	}
	return "until " + console.TimeOfDay(t, now)
}

// reason returns why a job waits or has ended.
func reason(job jobs.Record) string {
	if job.Failure != nil && (job.State == jobs.StateRetrying || job.State == jobs.StateFailed) {
		return job.Failure.Message
	}
	return job.Progress.Note
}

// timeLeft estimates the remaining time of a running or paused job. Each remaining window takes as long as those of
// the current attempt, and a request of the project's hourly budget.
func timeLeft(job jobs.Record, now time.Time) (time.Duration, bool) {
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

// waits describes what keeps a job from running, "" for nothing.
func waits(job jobs.Record, now time.Time) string {
	var s string
	switch job.State {
	case jobs.StateWaiting:
		s = "for its turn"
		if job.Behind != "" {
			s = "behind job " + job.Behind
		}
	case jobs.StateQueued:
		if job.Unserved {
			return "for a worker: " + nobody(job)
		}
		return "for a free worker"
	case jobs.StatePaused, jobs.StateRetrying:
		s = until(job.RunAt, now)
		if why := reason(job); why != "" {
			s += ": " + why
		}
	case jobs.StateRunning, jobs.StateDone, jobs.StateFailed, jobs.StateCancelled:
		return ""
	}
	if job.Unserved {
		s += "; then for a worker: " + nobody(job)
	}
	return s
}

// nobody says that no live worker can run a job.
func nobody(job jobs.Record) string {
	volume, _, _ := strings.Cut(job.Database, "/")
	return "no worker serves volume " + volume
}

// summary describes the result of a done job.
func summary(job jobs.Record) string {
	p, d := job.Progress, took(job, job.FinishedAt)
	if job.Edit.Action == jobs.ActionRefill {
		return fmt.Sprintf("%s: %s, %s changed in %s", job.State, whatOf(job), console.Counted(p.RowsChanged, "row"), console.ShortTime(d))
	}
	if job.Kind != jobs.KindFetch {
		return fmt.Sprintf("%s: %s in %s", job.State, whatOf(job), console.ShortTime(d))
	}
	if s := job.Fetch.StreamName(); s != stream.Events && s != stream.All {
		return fmt.Sprintf("%s: %s: %s; %s, %s in %s", job.State, s, console.Changes(p.Added, p.Updated, p.Removed, p.Unchanged),
			console.Counted(int64(p.Requests), "request"), console.Megabytes(p.Bytes), console.ShortTime(d))
	}
	line := fmt.Sprintf("%s: %s, %s, %s quarantined, %s, %s in %s", job.State, console.Counted(p.Rows, "row"),
		console.Counted(p.Duplicates, "duplicate"), console.Grouped(p.Quarantined), console.Counted(int64(p.WindowsDone), "window"), console.Megabytes(p.Bytes), console.ShortTime(d))
	if d > 0 {
		line += fmt.Sprintf(" (%s rows/s)", console.Grouped(int64(float64(p.Rows)/d.Seconds())))
	}
	if !job.Fetch.LateSince.IsZero() {
		line += "; " + console.Late(p.LateDays)
	}
	if job.Fetch.StreamName() == stream.All {
		return line + "; " + console.Changes(p.Added, p.Updated, p.Removed, p.Unchanged)
	}
	if more := outcomeOf(p); more != "" {
		line += "; " + more
	}
	return line
}

// outcomeOf describes what a fetch has changed and left.
func outcomeOf(p jobs.Progress) string {
	return console.Outcome(p.Added, p.Removed, p.Updated, p.DaysLeft, p.Unavailable)
}

// shortName returns the name of a database for people.
func shortName(database string) string {
	return console.Printable(strings.TrimPrefix(database, jobs.DefaultVolume+"/"))
}
