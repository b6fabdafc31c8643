package day_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"mixduck/internal/day"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func TestOfReadsTheDateInTheMomentsZone(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	for name, want := range map[string]day.Day{
		"UTC":              day.New(2026, 11, 22),
		"Europe/Berlin":    day.New(2026, 11, 23),
		"America/New_York": day.New(2026, 11, 22),
		"Pacific/Auckland": day.New(2026, 11, 23),
	} {
		if got := day.Of(moment.In(zone(t, name))); got != want {
			t.Errorf("Of in %s = %s, want %s", name, got, want)
		}
	}
}

func TestDaysCountFrom1970(t *testing.T) {
	t.Parallel()
	for d, want := range map[day.Day]string{0: "1970-01-01", -1: "1969-12-31", 1: "1970-01-02", 20779: "2026-11-22"} {
		if got := d.String(); got != want {
			t.Errorf("Day(%d) = %s, want %s", int(d), got, want)
		}
	}
	if got, want := day.New(2026, 2, 31), day.New(2026, 3, 3); got != want {
		t.Errorf("New(2026, 2, 31) = %s, want %s", got, want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026-1-2", "2026-02-30", "26-01-02", "2026-01-02T00:00:00Z", " 2026-01-02", "22.11.2026", "２０２６-01-02"} {
		if d, err := day.Parse(s); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", s, d)
		}
	}
}

func TestTextComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := day.Day(rapid.Int32Range(int32(day.New(0, 1, 1)), int32(day.New(9999, 12, 31))).Draw(t, "day"))
		if got, err := day.Parse(d.String()); got != d || err != nil {
			t.Errorf("Parse(%q) = %s, %v", d.String(), got, err)
		}
		text, err := json.Marshal(map[day.Day]day.Day{d: d})
		if err != nil {
			t.Fatal(err)
		}
		var back map[day.Day]day.Day
		if err := json.Unmarshal(text, &back); err != nil || back[d] != d {
			t.Errorf("JSON %s comes back as %v, %v", text, back, err)
		}
	})
}

func TestUnmarshalKeepsTheOldDayOnError(t *testing.T) {
	t.Parallel()
	d := day.New(2026, 11, 22)
	if err := d.UnmarshalText([]byte("soon")); err == nil || d != day.New(2026, 11, 22) {
		t.Errorf("UnmarshalText = %v, day %s", err, d)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, zone string
		day        day.Day
		want       string // RFC 3339
	}{
		{"an ordinary day", "Europe/Berlin", day.New(2026, 11, 22), "2026-11-22T00:00:00+01:00"},
		{"a clock that changes later in the day", "Europe/Berlin", day.New(2026, 3, 29), "2026-03-29T00:00:00+01:00"},
		{"midnight does not exist", "America/Sao_Paulo", day.New(2018, 11, 4), "2018-11-04T01:00:00-02:00"},
		{"midnight does not exist east of Greenwich", "Asia/Beirut", day.New(2025, 3, 30), "2025-03-30T01:00:00+03:00"},
		{"midnight comes twice", "America/Havana", day.New(2025, 11, 2), "2025-11-02T00:00:00-04:00"},
		{"the day does not exist", "Pacific/Apia", day.New(2011, 12, 30), "2011-12-31T00:00:00+14:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.day.Start(zone(t, tt.zone)).Format(time.RFC3339); got != tt.want {
				t.Errorf("Start of %s in %s = %s, want %s", tt.day, tt.zone, got, tt.want)
			}
		})
	}
}

// The moment before the start of a day belongs to an earlier day; the start itself does not.
func TestStartIsTheFirstMoment(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Africa/Cairo", "America/Havana", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kathmandu", "Europe/Berlin", "Pacific/Apia"} {
		zones = append(zones, zone(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		d := day.Day(rapid.Int32Range(int32(day.New(1995, 1, 1)), int32(day.New(2035, 1, 1))).Draw(t, "day"))
		start := d.Start(loc)
		if got := day.Of(start); got < d {
			t.Errorf("start %s of %s lies in %s", start, d, got)
		}
		if got := day.Of(start.Add(-time.Nanosecond)); got >= d {
			t.Errorf("%s began before %s", d, start)
		}
	})
}
