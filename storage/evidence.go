package storage

import (
	"fmt"
	"slices"
	"time"
)

// evidence counts how long after they happened events were processed, which tells whether their times were read in the right
// zone: Mixpanel's time of processing is always UTC. Most events of a project arrive within minutes. If the delays of many
// begin at an offset of some time zone instead, their times are off by it. Imports and events of devices with wrong clocks
// have delays of any length, and prove nothing.
type evidence struct {
	Zone    string        `json:"zone"`    // in which times were read: "" is UTC
	Delays  [delays]int32 `json:"delays"`  // events by delay: from -16 h on, one each minute
	Minutes [60]int32     `json:"minutes"` // the same events by the minute of the hour in which they were processed
	Hours   [24]int32     `json:"hours"`   // and by the hour of the day of their own time
}

const (
	farthest = 16 * 60 // minutes: no zone is farther from another than that, and what lies farther proves nothing
	delays   = 2*farthest + 1

	leastEvents = 50   // fewer prove nothing
	manyEvents  = 1000 // so many need no earlier ones
	skew        = 3    // minutes by which an offset may be missed: clocks of servers, and whole seconds
	ahead       = 10   // minutes: clocks of devices may be so much ahead
	onset       = 15   // minutes in which delays begin
)

// add counts an event. Both times are in UTC; processed is in milliseconds, 0 if it is not known.
func (e *evidence) add(micros, processedMS int64) {
	if processedMS == 0 {
		return
	}
	at := floorDiv(processedMS*1000-micros, time.Minute.Microseconds()) + farthest
	if at < 0 || at >= delays {
		return
	}
	e.Delays[at]++
	e.Minutes[processedMS/time.Minute.Milliseconds()%60]++
	e.Hours[floorDiv(micros, time.Hour.Microseconds())%24]++
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// join adds the counts of other, each multiplied by share.
func (e *evidence) join(other *evidence, share float64) {
	for i, n := range other.Delays[:] {
		e.Delays[i] += int32(float64(n) * share)
	}
	for i, n := range other.Minutes {
		e.Minutes[i] += int32(float64(n) * share)
	}
	for i, n := range other.Hours {
		e.Hours[i] += int32(float64(n) * share)
	}
}

// events returns how many events were counted.
func (e *evidence) events() int { return sum(e.Delays[:]) }

func sum(counts []int32) (n int) {
	for _, c := range counts {
		n += int(c)
	}
	return n
}

// between returns the number of events with a delay of from to to minutes, the end not included.
func (e *evidence) between(from, to int) int {
	from, to = min(max(from+farthest, 0), delays), min(max(to+farthest, 0), delays)
	return sum(e.Delays[from:to])
}

// offset returns by how many minutes times are off: 0 if they are right. It returns false if that cannot be said.
func (e *evidence) offset() (minutes int, known bool) {
	n := e.events()
	if n < leastEvents {
		return 0, false
	}
	best, most := 0, n/5
	for at := -14 * 60; at <= 14*60; at += 15 {
		inside := e.between(at-skew, at+onset-skew)
		sharp := inside >= 5*e.between(at-skew-onset, at-skew)
		if inside > most && sharp && isOffset(at) && 2*e.between(-farthest, at-skew) <= n {
			best, most, known = at, inside, true
		}
	}
	if known && best > 0 && e.looksImported() {
		return 0, false
	}
	if future := e.between(-farthest, -ahead); !known && 2*future > n {
		return e.earliest(n / 50), true
	}
	return best, known
}

// looksImported reports whether a job may have brought the events at fixed times, so that their delays begin at any offset.
func (e *evidence) looksImported() bool {
	n := e.events()
	minutes := slices.Clone(e.Minutes[:])
	slices.Sort(minutes)
	return 10*sum(minutes[len(minutes)-3:]) >= 6*n || 10*int(slices.Max(e.Hours[:])) >= 8*n
}

// earliest returns the half hour in which delays begin, if so many events do not count.
func (e *evidence) earliest(leftOut int) int {
	for i, c := range e.Delays[:] {
		if leftOut -= int(c); leftOut < 0 {
			return int(floorDiv(int64(i-farthest+skew), 30)) * 30
		}
	}
	return 0
}

// isOffset reports whether zones of the world differ by so many minutes: by whole and half hours, and by a few of three quarters.
func isOffset(minutes int) bool {
	return minutes%30 == 0 && minutes != 30 && minutes != -30 ||
		slices.Contains([]int{5*60 + 45, 8*60 + 45, 12*60 + 45}, max(minutes, -minutes))
}

// warning says what the evidence tells a person, "" if nothing is wrong. It returns false if it tells nothing. zone is that in
// which times were read at some moment of the window.
func (e *evidence) warning(zone *time.Location, at time.Time) (text string, known bool) {
	minutes, known := e.offset()
	if !known || minutes == 0 {
		return "", known
	}
	if zone == nil {
		return fmt.Sprintf("event times look shifted: they are %s Mixpanel's processing times, as in a project from before 2023 with time zone %s; "+
			"set time_encoding: shifted and the project's timezone, then fetch its days again", apart(minutes), offsetName(-minutes)), true
	}
	_, seconds := at.In(zone).Zone()
	if shifted := seconds/60 - minutes; shifted != 0 {
		return fmt.Sprintf("event times look wrong: they are %s Mixpanel's processing times; timezone is %s, but the project seems to use %s; "+
			"correct timezone, then fetch its days again", apart(minutes), zone, offsetName(shifted)), true
	}
	return fmt.Sprintf("event times look like UTC: with time_encoding: shifted, they are %s Mixpanel's processing times; "+
		"set time_encoding: utc, then fetch the project's days again", apart(minutes)), true
}

// apart says how far times are before or after those of processing.
func apart(minutes int) string {
	d := time.Duration(max(minutes, -minutes)) * time.Minute
	if minutes > 0 {
		return fmt.Sprintf("%d:%02d h before", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d:%02d h after", int(d.Hours()), int(d.Minutes())%60)
}

// offsetName returns the offset of a zone as UTC+05:30.
func offsetName(minutes int) string {
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("UTC%c%02d:%02d", sign, minutes/60, minutes%60)
}
