package console

import "strings"

// Outcome says what a fetch has changed and has left, in a few words; "" if there is nothing to say. Rows are those of days
// that were stored before.
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

// Late says on which days late events were found.
func Late(days string) string {
	if days == "" {
		return "no late events"
	}
	return "late events on " + days
}

// Changes says what a refresh of a table without days has changed.
func Changes(added, updated, removed, unchanged int64) string {
	return Counted(added, "row") + " added, " + Grouped(updated) + " updated, " + Grouped(removed) + " removed, " + Grouped(unchanged) + " unchanged"
}
