package cron_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/cron"
	"mixduck/internal/rapidtest"
)

// entry is a cron entry with known numbers, without parsing.
type entry struct {
	minutes, hours, dates, months, weekdays []int
}

var everything = entry{numbers(0, 59), numbers(0, 23), numbers(1, 31), numbers(1, 12), numbers(0, 6)}

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func drawEntry(t *rapid.T) entry {
	some := func(name string, all []int, most int) []int {
		if rapid.Bool().Draw(t, "all "+name) {
			return all
		}
		return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, most, rapid.ID[int]).Draw(t, name)
	}
	return entry{
		some("minutes", everything.minutes, 4), some("hours", everything.hours, 23), some("dates", everything.dates, 20),
		some("months", everything.months, 11), some("weekdays", everything.weekdays, 6),
	}
}

func (e entry) String() string {
	var fields []string
	for i, of := range [][2][]int{
		{e.minutes, everything.minutes}, {e.hours, everything.hours}, {e.dates, everything.dates}, {e.months, everything.months}, {e.weekdays, everything.weekdays},
	} {
		text := strings.Trim(strings.ReplaceAll(fmt.Sprint(of[0]), " ", ","), "[]")
		if i >= 2 && len(of[0]) == len(of[1]) {
			text = "*" // a list of all days would count as a given day
		}
		fields = append(fields, text)
	}
	return strings.Join(fields, " ")
}

// matches matches a wall clock in UTC.
func (e entry) matches(wall time.Time) bool {
	if !slices.Contains(e.minutes, wall.Minute()) || !slices.Contains(e.hours, wall.Hour()) || !slices.Contains(e.months, int(wall.Month())) {
		return false
	}
	onDate, onWeekday := slices.Contains(e.dates, wall.Day()), slices.Contains(e.weekdays, int(wall.Weekday()))
	if len(e.dates) < 31 && len(e.weekdays) < 7 {
		return onDate || onWeekday
	}
	return onDate && onWeekday
}

// bruteForce lists the ticks of the minutes from..to by checking the wall clock at each of them.
func (e entry) bruteForce(loc *time.Location, from, to time.Time) (ticks []string) {
	found := map[time.Time]bool{}
	last := time.Time{} // the latest time shown by the wall clock
	for at := from.Add(-36 * time.Hour); !at.After(to); at = at.Add(time.Minute) {
		local := at.In(loc)
		wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		if len(e.hours) == 24 {
			found[at] = e.matches(wall)
			continue
		}
		if last.IsZero() {
			last = wall.Add(-time.Minute)
		}
		for ; last.Before(wall); last = last.Add(time.Minute) { // more than one where it jumps, none where it repeats
			if e.matches(last.Add(time.Minute)) {
				found[at] = true
			}
		}
	}
	for at, tick := range found {
		if tick && !at.Before(from) {
			ticks = append(ticks, at.Format(time.RFC3339))
		}
	}
	slices.Sort(ticks)
	return ticks
}

// spans start some days before a clock change.
var spans = []struct{ zone, from string }{
	{"UTC", "2026-02-25T00:00:00Z"},
	{"America/New_York", "2026-03-05T00:00:00Z"},
	{"America/New_York", "2026-10-29T00:00:00Z"},
	{"Europe/Berlin", "2026-03-27T00:00:00Z"},
	{"Europe/Berlin", "2026-10-23T00:00:00Z"},
	{"Asia/Kolkata", "2026-12-30T00:00:00Z"},
	{"Pacific/Apia", "2011-12-28T00:00:00Z"},
	{"Pacific/Apia", "2011-09-22T00:00:00Z"},
	{"Pacific/Kwajalein", "1993-08-19T00:00:00Z"}, // a skipped date
	{"Pacific/Kwajalein", "1969-09-29T00:00:00Z"}, // most of a date is shown twice
	{"Australia/Lord_Howe", "2026-04-02T00:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-01T00:00:00Z"},
	{"America/Santiago", "2026-09-03T00:00:00Z"},
	{"Africa/Casablanca", "2026-02-13T00:00:00Z"}, // DST in reverse
	{"Antarctica/Troll", "2026-03-27T00:00:00Z"},  // two hours
	{"Antarctica/Troll", "2026-10-23T00:00:00Z"},
}

func TestTicksAreThoseOfTheWallClock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		e := drawEntry(rt)
		span := rapid.SampledFrom(spans).Draw(rt, "span")
		loc, from := zone(t, span.zone), moment(t, span.from)
		to := from.Add(6 * 24 * time.Hour)
		s, err := cron.Parse(e.String(), loc)
		if err != nil {
			if !strings.Contains(err.Error(), "never runs") {
				rt.Fatal(err)
			}
			return
		}
		want := e.bruteForce(loc, from, to)
		var got []string
		for at := s.Next(from.Add(-time.Second)); !at.After(to); at = s.Next(at) {
			got = append(got, at.Format(time.RFC3339))
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("ticks of %q in %s from %s\n got %v\nwant %v", e, loc, from, got, want)
		}
		// From any time on, not only from tick to tick.
		start := from.Add(time.Duration(rapid.IntRange(0, 5*86_400).Draw(rt, "start")) * time.Second)
		i, found := slices.BinarySearch(want, start.Format(time.RFC3339))
		if found {
			i++
		}
		if next := s.Next(start).Format(time.RFC3339); i < len(want) && next != want[i] {
			rt.Fatalf("%q in %s: after %s comes %s, want %s", e, loc, start, next, want[i])
		}
		last := ""
		if latest := s.Latest(start, to); !latest.IsZero() {
			last = latest.Format(time.RFC3339)
		}
		if i < len(want) && last != want[len(want)-1] || i == len(want) && last != "" {
			rt.Fatalf("%q in %s: the latest from %s to %s is %q, of %v", e, loc, start, to, last, want[i:])
		}
	})
}
