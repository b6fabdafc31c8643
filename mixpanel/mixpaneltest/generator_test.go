package mixpaneltest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/internal/rapidtest"
	"mixduck/mixpanel/mixpaneltest"
)

func TestGroupingOfDaysChangesNothing(t *testing.T) {
	t.Parallel()
	p := project(0)
	p.Data = mixpaneltest.Generator{Seed: 3, EventsOn: func(d day.Day) int { return int(d) % 7 * 3 }}
	s := start(t, p)
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		from := march1 - day.Day(rapid.IntRange(0, 300).Draw(rt, "from"))
		days := day.Range{From: from, To: from + day.Day(rapid.IntRange(0, 8).Draw(rt, "length"))}
		whole, err := ask(t.Context(), s, params(days.From, days.To), nil)
		if err != nil {
			rt.Fatal(err)
		}
		var parts strings.Builder
		for next := days.From; next <= days.To; {
			last := min(days.To, next+day.Day(rapid.IntRange(0, 3).Draw(rt, "part")))
			part, err := ask(t.Context(), s, params(next, last), nil)
			if err != nil || part.err != nil {
				rt.Fatal(err, part.err)
			}
			parts.WriteString(part.text)
			next = last + 1
		}
		if parts.String() != whole.text {
			rt.Fatalf("%s: the parts have %d bytes, the whole has %d", days, parts.Len(), len(whole.text))
		}
	})
}

func TestGeneratedLines(t *testing.T) {
	t.Parallel()
	g := mixpaneltest.Generator{Seed: 9, EventsPerDay: 5000}
	events := make(map[string]int)
	bytes := 0
	for line, err := range g.Lines(march1, mixpaneltest.Format{}) {
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(line)
		var e struct {
			Event      string
			Properties map[string]any
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		events[e.Event]++
		for _, key := range []string{"time", "distinct_id", "$insert_id", "mp_processing_time_ms", "cart"} {
			if e.Properties[key] == nil {
				t.Fatalf("no %s in %s", key, line)
			}
		}
		if at, ok := e.Properties["time"].(float64); !ok || day.Of(time.Unix(int64(at), 0).UTC()) != march1 {
			t.Fatalf("time %v is not on %s", e.Properties["time"], march1)
		}
		if n := len(e.Properties); n < 25 || n > 30 {
			t.Fatalf("%d properties in %s", n, line)
		}
	}
	if mean := bytes / g.EventsPerDay; mean < 600 || mean > 900 {
		t.Errorf("%d bytes a line on average, want 600 to 900", mean)
	}
	if len(events) != 20 || events["Page Viewed"] < 10*events["Plan Upgraded"] {
		t.Errorf("%d event names: %v", len(events), events)
	}
}

func TestEventsArriveLittleByLittle(t *testing.T) {
	t.Parallel()
	count := func(at time.Time) int {
		g := mixpaneltest.Generator{Seed: 2, EventsPerDay: 1000, Now: func() time.Time { return at }}
		n := 0
		for range g.Lines(march1, mixpaneltest.Format{}) {
			n++
		}
		return n
	}
	start := march1.Start(time.UTC)
	if n := count(start); n != 0 {
		t.Errorf("%d events before the day begins", n)
	}
	if n := count(start.Add(12 * time.Hour)); n < 400 || n > 600 {
		t.Errorf("%d events at noon, want about 500", n)
	}
	if n := count(start.Add(25 * time.Hour)); n < 980 || n == 1000 {
		t.Errorf("%d events after the day, want some to be late", n)
	}
	if n := count(start.Add(7 * 24 * time.Hour)); n != 1000 {
		t.Errorf("%d events a week later, want all", n)
	}
}

func TestShiftedTimes(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	p := project(200)
	p.Location, p.ShiftedTimes = zone, true
	spring := day.New(2025, 3, 9) // 23 hours: no wall clock shows 02:30
	s := start(t, p)
	for _, d := range []day.Day{march1, spring} {
		got := get(t, s, d, d)
		var sent []int64
		for _, line := range got.lines() {
			var e struct{ Properties struct{ Time int64 } }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			if day.Day(e.Properties.Time/86400) != d {
				t.Errorf("%s: time %d is on another day", d, e.Properties.Time)
			}
			sent = append(sent, e.Properties.Time)
		}
		truth, err := s.Truth(p.ID, day.Range{From: d, To: d})
		if err != nil {
			t.Fatal(err)
		}
		var back []int64
		for _, row := range truth.Rows {
			_, offset := row.Time.In(zone).Zone()
			back = append(back, row.Time.Unix()+int64(offset))
		}
		slices.Sort(sent)
		slices.Sort(back)
		if diff := cmp.Diff(sent, back); diff != "" || len(sent) != 200 {
			t.Errorf("%s: %d times (-sent +truth):\n%s", d, len(sent), diff)
		}
	}
}
