package status

import (
	"fmt"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
)

// Verified describes a comparison of a table with Mixpanel after a fetch, in a line; "" for none.
func Verified(v *jobs.Verified) string {
	if v == nil {
		return ""
	}
	at := v.At.UTC().Format(time.DateOnly)
	if v.Days == (day.Range{}) {
		return fmt.Sprintf("not verified on %s: %s", at, v.Problem)
	}
	parts := []string{"no differences from Mixpanel"}
	if v.Differences > 0 {
		parts[0] = fmt.Sprintf("%d differences from Mixpanel", v.Differences)
	}
	parts[0] += fmt.Sprintf(" in %d event names of %s, verified on %s", v.Events, v.Days, at)
	if v.Repaired > 0 {
		parts = append(parts, fmt.Sprintf("days fetched again: %d", v.Repaired))
	}
	if v.Problem != "" {
		parts = append(parts, v.Problem)
	}
	return strings.Join(parts, "; ")
}
