package storage

import (
	"fmt"
	"slices"
	"time"
)

// evidence counts events by the delay until Mixpanel processed them, to check whether event times are read in the
// right zone. Processing times are always UTC, and most events arrive within minutes. If many delays start at the
// offset of a time zone instead, event times are wrong by that offset. Imports, and devices with wrong clocks, have
// delays of any length and prove nothing.
type evidence struct {
	Zone    string        `json:"zone"`    // zone in which times were read; "" means UTC
	Delays  [delays]int32 `json:"delays"`  // events by delay in minutes, starting at -16 h
	Minutes [60]int32     `json:"minutes"` // the same events by minute of the hour of processing
	Hours   [24]int32     `json:"hours"`   // and by hour of the day of the event time
}

const (
	farthest = 16 * 60 // minutes: time zones do not differ by more, so longer delays prove nothing
	delays   = 2*farthest + 1

	leastEvents = 50   // fewer events prove nothing
	manyEvents  = 1000 // with this many events, earlier ones are not needed
	skew        = 3    // minutes of tolerance around an offset, for server clocks and whole seconds
	ahead       = 10   // minutes by which clocks of devices may be fast
	onset       = 15   // minutes within which delays start
)

// add counts an event. Both times are UTC: micros in microseconds, processedMS in milliseconds or 0 if unknown.
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

// events returns the number of counted events.
func (e *evidence) events() int { return sum(e.Delays[:]) }

func sum(counts []int32) (n int) {
	for _, c := range counts {
		n += int(c)
	}
	return n
}

// between returns the number of events with a delay of at least from and less than to minutes.
func (e *evidence) between(from, to int) int {
	from, to = min(max(from+farthest, 0), delays), min(max(to+farthest, 0), delays)
	return sum(e.Delays[from:to])
}

// offset returns by how many minutes event times are wrong; 0 means they are right. It returns false if that is
// unknown.
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

// looksImported reports whether a job at fixed times may have imported the events, so that delays start at any offset.
func (e *evidence) looksImported() bool {
	n := e.events()
	minutes := slices.Clone(e.Minutes[:])
	slices.Sort(minutes)
	return 10*sum(minutes[len(minutes)-3:]) >= 6*n || 10*int(slices.Max(e.Hours[:])) >= 8*n
}

// earliest returns the half hour in which delays start, ignoring the first leftOut events.
func (e *evidence) earliest(leftOut int) int {
	for i, c := range e.Delays[:] {
		if leftOut -= int(c); leftOut < 0 {
			return int(floorDiv(int64(i-farthest+skew), 30)) * 30
		}
	}
	return 0
}

// isOffset reports whether time zones can differ by this many minutes: whole and half hours, and a few quarters.
func isOffset(minutes int) bool {
	return minutes%30 == 0 && minutes != 30 && minutes != -30 ||
		slices.Contains([]int{5*60 + 45, 8*60 + 45, 12*60 + 45}, max(minutes, -minutes))
}

// warning describes what is wrong with the event times, "" if nothing is. It returns false if that is unknown. zone is
// the zone in which times are read; at is a time in the window.
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

// apart says how far event times are before or after processing times.
func apart(minutes int) string {
	d := time.Duration(max(minutes, -minutes)) * time.Minute
	if minutes > 0 {
		return fmt.Sprintf("%d:%02d h before", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d:%02d h after", int(d.Hours()), int(d.Minutes())%60)
}

// offsetName formats the offset of a zone, for example UTC+05:30.
func offsetName(minutes int) string {
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("UTC%c%02d:%02d", sign, minutes/60, minutes%60)
}
