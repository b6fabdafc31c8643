// Package wording formats numbers, times and outcomes for people, in a terminal and on the page.
package wording

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/day"
)

// Grouped returns n with a comma between thousands.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counted returns n with a noun in the right number.
func Counted(n int64, one string) string { return CountedAs(n, one, one+"s") }

// CountedAs is Counted for an irregular plural.
func CountedAs(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(n) + " " + many
}

// Megabytes returns n bytes as millions.
func Megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// TimeOfDay describes a future time t in the zone of now, and the time until then. It includes the date unless t is
// today.
func TimeOfDay(t, now time.Time) string {
	t = t.In(now.Location())
	layout := time.TimeOnly
	if day.Of(t) != day.Of(now) {
		layout = time.DateTime
	}
	return fmt.Sprintf("%s (%s)", t.Format(layout), ShortTime(max(0, t.Sub(now))))
}

// ShortTime formats d with reasonable precision, for example 8.2s, 1m20s, 3h or 7d20h.
func ShortTime(d time.Duration) string {
	const aDay = 24 * time.Hour
	switch {
	case d >= 2*aDay:
		d = d.Round(time.Hour)
		if hours := d % aDay; hours > 0 {
			return fmt.Sprintf("%dd%dh", d/aDay, hours/time.Hour)
		}
		return fmt.Sprintf("%dd", d/aDay)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
	default:
		d = d.Round(time.Minute)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Windows describes how many windows of a fetch are done. During its first request, which can take minutes, it
// describes what the fetch waits for.
func Windows(done, total, requests int, bytes int64) string {
	if done == 0 && bytes == 0 && requests > 0 {
		return "waiting for Mixpanel's first byte"
	}
	return fmt.Sprintf("%d/%d windows", done, total)
}

// Outcome briefly describes what a fetch has changed and left; "" for nothing. The rows are those of days that were
// already stored.
func Outcome(added, removed, updated int64, daysLeft, unavailable int) string {
	var parts []string
	if added+removed+updated > 0 {
		parts = append(parts, "of days stored before "+Counted(added, "row")+" added, "+Grouped(removed)+" removed, "+Grouped(updated)+" updated")
	}
	if daysLeft > 0 {
		parts = append(parts, Counted(int64(daysLeft), "day")+" left")
	}
	if unavailable > 0 {
		parts = append(parts, Counted(int64(unavailable), "day")+" no longer served by Mixpanel")
	}
	return strings.Join(parts, "; ")
}

// Late names the days with late events.
func Late(days string) string {
	if days == "" {
		return "no late events"
	}
	return "late events on " + days
}

// Changes describes the changes of a refresh of a table without days.
func Changes(added, updated, removed, unchanged int64) string {
	return Counted(added, "row") + " added, " + Grouped(updated) + " updated, " + Grouped(removed) + " removed, " + Grouped(unchanged) + " unchanged"
}
