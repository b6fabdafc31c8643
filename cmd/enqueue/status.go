package main

import (
	"fmt"
	"strings"
	"time"

	"mixduck/jobs"
)

// statusLine says how a job stands, in at most width columns; 0 means any number. First comes what it does or waits for,
// then how far it has come, and why it waits last, as that may be long. Times of day are in the zone of now.
func statusLine(job jobs.Record, now time.Time, width int) string {
	parts := []string{standing(job, now)}
	p := job.Progress
	if p.WindowsTotal > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d windows", p.WindowsDone, p.WindowsTotal))
	}
	if p.Rows > 0 || p.Bytes > 0 {
		parts = append(parts, counted(p.Rows, "row"), megabytes(p.Bytes))
	}
	if p.Retries > 0 {
		parts = append(parts, countedAs(int64(p.Retries), "retry", "retries"))
	}
	if left, ok := timeLeft(job, now); ok {
		parts = append(parts, "ETA "+shortTime(left))
	}
	line := strings.Join(parts, ", ")
	if why := reason(job); why != "" {
		line += ": " + why
	}
	return cut(printable(line), width)
}

// standing says what a job does or waits for.
func standing(job jobs.Record, now time.Time) string {
	s := string(job.State)
	switch job.State {
	case jobs.StateWaiting:
		if job.Position > 0 {
			return fmt.Sprintf("%s, %s in line before it", s, grouped(int64(job.Position)))
		}
		return s + ", next in line"
	case jobs.StateQueued:
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

// until says when t comes.
func until(t, now time.Time) string {
	left := t.Sub(now)
	if left <= 0 {
		return "until a worker is free"
	}
	t = t.In(now.Location())
	layout := time.TimeOnly
	if t.YearDay() != now.YearDay() {
		layout = time.DateTime
	}
	return fmt.Sprintf("until %s (%s)", t.Format(layout), shortTime(left))
}

// reason says why a job waits, or why it has ended.
func reason(job jobs.Record) string {
	if job.Failure != nil && (job.State == jobs.StateRetrying || job.State == jobs.StateFailed) {
		return job.Failure.Message
	}
	return job.Progress.Note
}

// timeLeft estimates how long a running job will take, from how long it took so far.
func timeLeft(job jobs.Record, now time.Time) (time.Duration, bool) {
	p := job.Progress
	if job.State != jobs.StateRunning || p.WindowsDone <= 0 || p.WindowsDone >= p.WindowsTotal {
		return 0, false
	}
	return took(job, now) / time.Duration(p.WindowsDone) * time.Duration(p.WindowsTotal-p.WindowsDone), true
}

// summary says what a job that is done has brought.
func summary(job jobs.Record) string {
	p, d := job.Progress, took(job, job.FinishedAt)
	line := fmt.Sprintf("%s: %s, %s, %s quarantined, %s, %s in %s", job.State, counted(p.Rows, "row"),
		counted(p.Duplicates, "duplicate"), grouped(p.Quarantined), counted(int64(p.WindowsDone), "window"), megabytes(p.Bytes), shortTime(d))
	if d > 0 {
		line += fmt.Sprintf(" (%s rows/s)", grouped(int64(float64(p.Rows)/d.Seconds())))
	}
	return line
}
