package storage_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

func location(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

// wall returns a wall-clock time as sent by projects from before 2023.
func wall(tb testing.TB, text string) int64 {
	tb.Helper()
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		tb.Fatal(err)
	}
	return at.Unix()
}

func TestShiftedTimes(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, zone, wall, utc string }{
		{"winter", "America/Los_Angeles", "2026-01-15 12:00:00", "2026-01-15 20:00:00"},
		{"summer", "America/Los_Angeles", "2026-07-15 23:59:59", "2026-07-16 06:59:59"},
		{"before the clock jumps", "America/Los_Angeles", "2026-03-08 01:59:59", "2026-03-08 09:59:59"},
		{"after the clock jumps", "America/Los_Angeles", "2026-03-08 03:00:00", "2026-03-08 10:00:00"},
		{"before the hour that comes twice", "America/Los_Angeles", "2026-11-01 00:59:59", "2026-11-01 07:59:59"},
		{"after the hour that comes twice", "America/Los_Angeles", "2026-11-01 02:00:00", "2026-11-01 10:00:00"},
		{"the last second of such a day", "America/Los_Angeles", "2026-11-01 23:59:59", "2026-11-02 07:59:59"},
		{"winter", "Europe/Berlin", "2026-01-15 00:00:00", "2026-01-14 23:00:00"},
		{"before the clock jumps", "Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29 00:59:59"},
		{"after the clock jumps", "Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29 01:00:00"},
		{"after the hour that comes twice", "Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25 02:00:00"},
		{"a zone of quarters of an hour", "Asia/Kathmandu", "2026-06-01 05:45:00", "2026-06-01 00:00:00"},
		{"a jump of half an hour", "Australia/Lord_Howe", "2026-10-04 02:30:00", "2026-10-03 15:30:00"},
		{"no zone", "UTC", "2026-06-01 05:45:00", "2026-06-01 05:45:00"},
	}
	for _, tt := range tests {
		t.Run(tt.zone+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			sent := wall(t, tt.wall)
			d := day.Of(time.Unix(sent, 0).UTC())
			w := window(day.Range{From: d, To: d}, fmt.Sprintf(`{"event":"e","properties":{"time":%d,"$insert_id":"i"}}`+"\n", sent))
			w.Zone = location(t, tt.zone)
			load(t, e, w)
			closeEngine(t, e)
			want(t, "day and time", query(t, path, "SELECT day, event_time FROM events"), []string{d.String() + "|" + tt.utc})
		})
	}
}

// All times of days with clock changes match the zone.
func TestShiftedDays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, day string
		hours     int // of the day
	}{
		{"America/Los_Angeles", "2026-03-08", 23},
		{"America/Los_Angeles", "2026-11-01", 25},
		{"Europe/Berlin", "2026-03-29", 23},
		{"Europe/Berlin", "2026-10-25", 25},
		{"Europe/Berlin", "2026-06-01", 24},
	} {
		t.Run(tt.zone+" "+tt.day, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			loc := location(t, tt.zone)
			d, err := day.Parse(tt.day)
			if err != nil {
				t.Fatal(err)
			}
			var lines strings.Builder
			var wanted []string
			const step = 10 * time.Minute
			ambiguous := 0
			n := 0
			for at := d.Start(loc); at.Before((d + 1).Start(loc)); at = at.Add(step) {
				_, offset := at.Zone()
				shifted := at.Unix() + int64(offset)
				stored := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, loc)
				if !stored.Equal(at) {
					ambiguous++ // the wall clock does not determine which of the two times it was
				}
				fmt.Fprintf(&lines, `{"event":"e","properties":{"time":%d,"$insert_id":"%03d"}}`+"\n", shifted, n)
				wanted = append(wanted, fmt.Sprintf("%03d|%s|%s", n, d, stored.UTC().Format(time.DateTime)))
				n++
			}
			if n != tt.hours*6 || ambiguous != 6*max(0, tt.hours-24) {
				t.Fatalf("the day has %d steps, %d of them ambiguous", n, ambiguous)
			}
			w := window(day.Range{From: d, To: d}, lines.String())
			w.Zone = loc
			load(t, e, w)
			closeEngine(t, e)
			want(t, "times", query(t, path, "SELECT insert_id, day, event_time FROM events ORDER BY insert_id"), wanted)
		})
	}
}

// In a project with shifted times an event added twice is stored once, also around clock changes.
func TestAddWithShiftedTimes(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	var lines strings.Builder
	for i := range 24 * 60 {
		lines.WriteString(event(first, i*60, strconv.Itoa(i)))
	}
	for i := range 3 {
		w := window(span(0, 1), lines.String())
		w.Zone, w.Add, w.Job = location(t, "America/Los_Angeles"), true, fmt.Sprint("job-", i)
		load(t, e, w)
	}
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-01|1440"})
}

// For any zone, times are converted like time.Date, within the prepared days and beyond.
func TestShiftedTimesOfAnyZone(t *testing.T) {
	t.Parallel()
	e := open(t, storage.Config{Mode: storage.InMemory})
	prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
	zones := []string{"America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "Pacific/Chatham", "America/Sao_Paulo", "Asia/Tehran"}
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		loc := location(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		sent := rapid.Int64Range(wall(t, "2005-01-01 00:00:00"), wall(t, "2035-01-01 00:00:00")).Draw(rt, "time")
		at := time.Unix(sent, 0).UTC()
		stored := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, loc)
		d := day.Of(at)
		// Two windows with the same time, one of them in UTC: the second adds nothing.
		shifted := window(day.Range{From: d, To: d}, fmt.Sprintf(`{"event":"e","properties":{"time":%d,"$insert_id":"i"}}`+"\n", sent))
		shifted.Zone, shifted.Force = loc, true
		if r := load(t, e, shifted); r.Rows != 1 {
			t.Fatalf("receipt = %+v, want a row", r)
		}
		u := day.Of(stored.UTC())
		if u != d {
			return // the row belongs to another day in UTC
		}
		plain := window(day.Range{From: u, To: u}, fmt.Sprintf(`{"event":"e","properties":{"time":%d,"$insert_id":"i"}}`+"\n", stored.Unix()))
		plain.Add = true
		if r := load(t, e, plain); r.Duplicates != 1 {
			t.Fatalf("%s in %s: receipt = %+v, want a duplicate of %s", at, loc, r, stored.UTC())
		}
	})
}
