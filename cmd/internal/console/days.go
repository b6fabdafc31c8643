package console

import (
	"fmt"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

const daysHint = "--from 2025-01-01 --to 2025-01-31, or --from 7d; a month is yyyy-mm"

// ParseDays returns the days from the first of from to the last of to, which may be months. An empty to means
// yesterday. Days after today cannot be asked.
func ParseDays(from, to string, today day.Day) (day.Range, error) {
	if from == "" {
		return day.Range{}, fault.Usage(daysHint, "--from is missing: the first day to fetch")
	}
	given := to != ""
	if !given {
		to = "yesterday"
	}
	first, err := day.ParseExpr(from, today)
	if err != nil {
		return day.Range{}, fault.Usage(daysHint, "--from: %w", err)
	}
	last, err := day.ParseExpr(to, today)
	if err != nil {
		return day.Range{}, fault.Usage(daysHint, "--to: %w", err)
	}
	r := day.Range{From: first.From, To: last.To}
	switch {
	case r.From > today:
		return day.Range{}, inFuture("from", r.From, today)
	case r.To > today:
		return day.Range{}, inFuture("to", r.To, today)
	case r.Len() > 0:
		return r, nil
	case !given:
		return day.Range{}, fault.Usage("add --to today", "--from %s lies after yesterday, which is the last day if --to is left out", r.From)
	}
	return day.Range{}, fault.Usage(fmt.Sprintf("--from %s --to %s", last.From, first.To),
		"--to %s lies before --from %s", r.To, r.From)
}

func inFuture(flag string, d, today day.Day) error {
	return fault.Usage("--to today, or --to yesterday, the last day that is complete",
		"--%s %s lies in the future: today is %s in the project's time zone", flag, d, today)
}

// DescribeDays says which days, how many, and in which zone.
func DescribeDays(r day.Range, loc *time.Location) string {
	return fmt.Sprintf("%s (%s, %s)", r, Counted(int64(r.Len()), "day"), loc)
}
