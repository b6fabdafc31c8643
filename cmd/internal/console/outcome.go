package console

import "strings"

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
