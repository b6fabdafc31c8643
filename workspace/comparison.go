package workspace

import (
	"cmp"
	"slices"
	"strings"

	"mixduck/internal/day"
	"mixduck/storage"
)

// Cause is why a table and Mixpanel probably count an event differently.
type Cause string

// The causes.
const (
	CauseNotFetched  Cause = "not_fetched" // the day was never stored
	CausePartialDay  Cause = "partial_day" // the day was stored before it ended, or has not ended
	CauseLate        Cause = "late"        // events arrived after the day was stored
	CauseDeleted     Cause = "deleted"     // Mixpanel has deleted, merged or renamed events since the day was stored
	CauseQuarantined Cause = "quarantined" // lines of the day could not be stored as events
	CauseHidden      Cause = "hidden"      // the event is hidden or dropped in Lexicon
	CauseRetention   Cause = "retention"   // Mixpanel no longer serves the day
	CauseTimeZone    Cause = "time_zone"   // Mixpanel counts by the days of another time zone
)

// curable reports whether fetching the day again can help.
func (c Cause) curable() bool {
	return c != CauseHidden && c != CauseRetention && c != CauseTimeZone
}

// leastRetention is the minimum time in days for which Mixpanel keeps events: a plan has 2 to 5 years.
const leastRetention = 2 * 365

// comparison holds the counts of a table and of Mixpanel.
type comparison struct {
	today   day.Day
	days    day.Range
	ours    storage.EventCounts
	inZone  bool // the project has a time zone, and its export uses days in UTC
	theirs  map[day.Day]map[string]int64
	oldest  day.Day              // the first day that Mixpanel serves, if known
	hidden  map[string]bool      // event names
	unasked func(n string) bool  // event names that were not requested; nil means none
	missing map[day.Day]int64    // number of events per day that the table lacks
	empty   map[day.Day]struct{} // days without events in Mixpanel
}

// differences returns the events with different counts, by day and name.
func (c *comparison) differences() []Difference {
	found := []Difference{}
	c.missing, c.empty = map[day.Day]int64{}, map[day.Day]struct{}{}
	inZone := 0
	for d := range c.days.All() {
		ours, theirs := c.ours.Rows[d], c.theirs[d]
		total := int64(0)
		for name := range union2(ours, theirs) {
			total += theirs[name]
			if ours[name] == theirs[name] || c.unasked != nil && c.unasked(name) {
				continue
			}
			found = append(found, Difference{Day: d, Event: name, Ours: ours[name], Theirs: theirs[name]})
			c.missing[d] += max(0, theirs[name]-ours[name])
			if c.ours.InZone[d][name] == theirs[name] {
				inZone++
			}
		}
		if total == 0 {
			c.empty[d] = struct{}{}
		}
	}
	c.inZone = c.inZone && 2*inZone > len(found)
	for i := range found {
		found[i].Cause = c.cause(found[i])
	}
	slices.SortFunc(found, func(a, b Difference) int { return cmp.Or(cmp.Compare(a.Day, b.Day), strings.Compare(a.Event, b.Event)) })
	return found
}

func union2(a, b map[string]int64) map[string]struct{} {
	all := make(map[string]struct{}, len(a)+len(b))
	for _, m := range []map[string]int64{a, b} {
		for name := range m {
			all[name] = struct{}{}
		}
	}
	return all
}

// cause returns the likely cause of a difference.
func (c *comparison) cause(d Difference) Cause {
	stored, known := c.ours.Coverage[d.Day]
	_, empty := c.empty[d.Day]
	more := d.Ours > d.Theirs
	switch {
	case d.Day < c.oldest, stored.State == storage.Unavailable, stored.Reason != "":
		return CauseRetention
	case !known:
		return CauseNotFetched
	case stored.State == storage.Partial, d.Day >= c.today:
		return CausePartialDay
	case c.inZone && (d.Theirs == c.ours.InZone[d.Day][d.Event] || d.Day == c.days.From || d.Day == c.days.To):
		return CauseTimeZone
	case more && d.Theirs == 0 && c.hidden[d.Event]:
		return CauseHidden
	case more && empty && d.Day < c.today-leastRetention:
		return CauseRetention
	case more:
		return CauseDeleted
	case c.ours.Quarantined[d.Day] >= c.missing[d.Day]:
		return CauseQuarantined
	}
	return CauseLate
}
