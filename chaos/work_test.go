package chaos

import (
	"fmt"

	"mixduck/internal/day"
)

// work describes the jobs: the same days into each of some databases, each with a separate project.
type work struct {
	databases int
	jobs      int // of each database
}

const (
	firstProject = 1000
	firstDay     = day.Day(20000) // 2024-10-04
	eventsPerDay = 20
)

func (w work) total() int { return w.databases * w.jobs }

func project(database int) int64       { return int64(firstProject + database) }
func databaseFile(database int) string { return fmt.Sprintf("%02d.db", database) }
func databaseName(database int) string { return "main/" + databaseFile(database) }
func (w work) late() day.Range {
	return day.Range{From: firstDay, To: firstDay + day.Day(w.lateDays()) - 1}
}
func (w work) lateDays() int { return max(1, w.jobs/4) }
func (w work) days() day.Range {
	return day.Range{From: firstDay, To: w.late().To + 1 + day.Day((w.jobs+1)/2)}
}

// daysOf returns the days of the nth job of a database. Every second job fetches one of the late days, each of which
// is fetched more than once. The others fetch days of no other job. The first fetches two days in two windows, because
// nothing is known about the table yet.
func (w work) daysOf(n int) day.Range {
	calm := w.late().To + 1
	switch {
	case n == 0:
		return day.Range{From: calm, To: calm + 1}
	case n%2 == 0:
		d := calm + day.Day(n/2+1)
		return day.Range{From: d, To: d}
	}
	d := firstDay + day.Day(n/2%w.lateDays())
	return day.Range{From: d, To: d}
}
