package schedule_test

import (
	"slices"
	"time"

	"mixduck/jobs/schedule"
)

// model computes what a schedule must do from a list of all ticks. The code under test does not make that list.
type model struct {
	ticks   []time.Time // in the zone's wall clock
	since   time.Time
	paused  bool
	catchUp time.Duration
	dealt   map[time.Time]fact
}

// fact is the outcome of a tick, and when it was decided.
type fact struct {
	outcome schedule.TickOutcome
	at      time.Time
}

// wallTicks lists the times at which the wall clock of a zone reaches or skips hour:minute, on wanted dates. It checks
// the clock at each minute.
func wallTicks(zone *time.Location, from, to time.Time, hour, minute int, wanted func(time.Time) bool) (ticks []time.Time) {
	var shown time.Time // latest time shown by the wall clock
	for at := from.Add(-48 * time.Hour); at.Before(to); at = at.Add(time.Minute) {
		local := at.In(zone)
		wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		if shown.IsZero() {
			shown = wall
		}
		for shown.Before(wall) {
			shown = shown.Add(time.Minute)
			if shown.Hour() == hour && shown.Minute() == minute && wanted(shown) && !at.Before(from) {
				ticks = append(ticks, at)
			}
		}
	}
	return slices.Compact(ticks)
}

// next returns the first tick after a time.
func (m *model) next(after time.Time) time.Time {
	i, found := slices.BinarySearchFunc(m.ticks, after, time.Time.Compare)
	if found {
		i++
	}
	if i == len(m.ticks) {
		return time.Time{}
	}
	return m.ticks[i]
}

// look handles what is due now: the latest tick since the last handled one. Busy means that the last job has not
// ended.
func (m *model) look(now time.Time, busy bool) {
	if m.paused {
		return
	}
	if m.since.After(now) { // the clock was set back
		m.since = now
	}
	for _, tick := range slices.Backward(m.ticks) {
		if tick.After(now) {
			continue
		}
		if _, ok := m.dealt[tick]; ok || !tick.After(m.since) {
			return
		}
		f := fact{schedule.TickJob, now}
		switch {
		case now.Sub(tick) > m.catchUp: // there is no jitter
			f.outcome = schedule.TickMissed
		case busy:
			f.outcome = schedule.TickSkipped
		}
		m.dealt[tick] = f
		return
	}
}
