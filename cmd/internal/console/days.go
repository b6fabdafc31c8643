package console

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
)

const daysHint = "use --from 2025-01-01 --to 2025-01-31, --from 7d, or yyyy-mm for a month"

// ParseDays returns the days from the first of from to the last of to, both included. Both may be months. An empty to
// means yesterday. Days after today are an error.
func ParseDays(from, to string, today day.Day) (day.Range, error) {
	if from == "" {
		return day.Range{}, fault.Usage(daysHint, "--from is required")
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
		return day.Range{}, fault.Usage("add --to today", "--from %s is after yesterday, the default of --to", r.From)
	}
	return day.Range{}, fault.Usage(fmt.Sprintf("--from %s --to %s", last.From, first.To),
		"--to %s is before --from %s", r.To, r.From)
}

func inFuture(flag string, d, today day.Day) error {
	return fault.Usage("use --to today, or --to yesterday for the last complete day",
		"--%s %s is in the future: today is %s in the project's time zone", flag, d, today)
}

const sinceHint = "use 36h or 7d (ago), 2025-01-31 (start of that day), or 2025-01-31T06:00:00Z"

var daysAgo = regexp.MustCompile(`^([0-9]{1,5})d$`)

// ParseSince parses a time in the past: RFC 3339, a day (its start in the zone of now), or a duration before now, in
// days of 24 hours or in Go's format.
func ParseSince(s string, now time.Time) (time.Time, error) {
	return parseTime("--late-since", s, now)
}

// parseTime parses the value of a flag like [ParseSince].
func parseTime(flag, s string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		at, err = parseSpan(s, now)
	}
	switch {
	case err != nil:
		return time.Time{}, fault.Usage(sinceHint, "%s: %q is not a time", flag, s)
	case at.After(now):
		return time.Time{}, fault.Usage(sinceHint, "%s %s is in the future", flag, s)
	}
	if err := day.Of(at).CheckEarliest(); err != nil {
		return time.Time{}, fault.Usage(sinceHint, "%s: %w", flag, err)
	}
	return at.Truncate(time.Millisecond), nil // Mixpanel's precision
}

func parseSpan(s string, now time.Time) (time.Time, error) {
	if m := daysAgo.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		return now.Add(-time.Duration(n) * 24 * time.Hour), err
	}
	if span, err := time.ParseDuration(s); err == nil {
		return now.Add(-span), nil
	}
	d, err := day.Parse(s)
	return d.Start(now.Location()), err
}

// DescribeDays describes the days, their number, and the zone.
func DescribeDays(r day.Range, loc *time.Location) string {
	return fmt.Sprintf("%s (%s, %s)", r, wording.Counted(int64(r.Len()), "day"), loc)
}

// Span is a flag value: a positive duration, in days of 24 hours or in Go's format.
type Span time.Duration

// String returns the duration, "" for none.
func (s *Span) String() string {
	d := time.Duration(*s)
	switch {
	case d == 0:
		return ""
	case d%(24*time.Hour) == 0:
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}

// Set parses the duration.
func (s *Span) Set(text string) error {
	now := time.Unix(0, 0)
	then, err := parseSpan(text, now)
	if d := now.Sub(then); err == nil && d > 0 {
		*s = Span(d)
		return nil
	}
	return fault.Usage("7d or 36h", "%q is not a duration", text)
}

// Type names the value in help.
func (*Span) Type() string { return "duration" }
