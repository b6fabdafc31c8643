package main

import (
	"fmt"
	"strings"
	"time"

	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// statusLine describes a job's state in at most width columns; 0 means any number. It starts with what the job does or
// waits for, then its progress. The reason for a wait comes last, because it can be long. Times of day are in the zone
// of now.
func statusLine(job jobs.Record, now time.Time, width int) string {
	parts := []string{status.Standing(job, now)}
	p := job.Progress
	filled := status.FilledRows(job)
	if p.WindowsTotal > 0 && filled == "" {
		requests := p.Requests
		if job.State != jobs.StateRunning {
			requests = 0 // none in progress
		}
		if job.Kind == jobs.KindPublish {
			parts = append(parts, fmt.Sprintf("%d/%d days", p.WindowsDone, p.WindowsTotal))
		} else {
			parts = append(parts, wording.Windows(p.WindowsDone, p.WindowsTotal, requests, p.Bytes))
		}
	}
	if p.Rows > 0 || p.Bytes > 0 {
		parts = append(parts, wording.Counted(p.Rows, "row"), wording.Megabytes(p.Bytes))
	}
	if p.WindowsTotal > 0 && filled != "" {
		parts = append(parts, fmt.Sprintf("%d/%d groups of days, %s", p.WindowsDone, p.WindowsTotal, filled))
	}
	if p.Retries > 0 {
		parts = append(parts, wording.CountedAs(int64(p.Retries), "retry", "retries"))
	}
	if left, ok := status.TimeLeft(job, now); ok {
		parts = append(parts, "ETA "+wording.ShortTime(left))
	}
	line := strings.Join(parts, ", ")
	if why := status.Reason(job); why != "" {
		line += ": " + why
	}
	return wording.Cut(wording.Printable(line), width)
}
