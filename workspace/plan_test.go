package workspace

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/day"
)

// someRange draws a range of 1 to maxDays days that starts near day 0.
func someRange(t *rapid.T, maxDays int, label string) day.Range {
	from := day.Day(rapid.IntRange(-30, 430).Draw(t, label))
	return day.Range{From: from, To: from + day.Day(rapid.IntRange(1, maxDays).Draw(t, label+" days")) - 1}
}

// count counts how often days occur in ranges.
func count(ranges ...day.Range) map[day.Day]int {
	n := map[day.Day]int{}
	for _, r := range ranges {
		for d := range r.All() {
			n[d]++
		}
	}
	return n
}

func TestNewPlanAsksForWhatIsNotDone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked := someRange(t, 400, "asked")
		done := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) day.Range { return someRange(t, 60, "done") }), 0, 12).Draw(t, "all done")
		isDone, n := count(done...), 0
		rest := newPlan(subtract([]day.Range{asked}, done), 0, 54, maxWindowDays).rest()
		left := count(rest...)
		for d := range asked.All() {
			want := 1
			if isDone[d] > 0 {
				want = 0
			}
			n += want
			if left[d] != want {
				t.Fatalf("%s is planned %d times, want %d (asked %s, done %v)", d, left[d], want, asked, done)
			}
		}
		if len(left) != n {
			t.Fatalf("%v is planned for %s", rest, asked)
		}
		if !slices.IsSortedFunc(rest, func(a, b day.Range) int { return int(a.From - b.From) }) {
			t.Fatalf("%v is not in ascending order", rest)
		}
	})
}

// run is the life of a plan with random responses.
type run struct {
	plan   *plan
	now    time.Time
	active []window
	begun  map[day.Day]time.Time // a day must not be requested before
	ended  map[day.Day]int       // how often a day was committed or given up
	asked  int                   // windows
}

// step hands out a window or ends one; it returns false when nothing is left.
func (r *run) step(t *rapid.T, events func(day.Range) int64) bool {
	if len(r.active) < 6 && rapid.Bool().Draw(t, "begin") || len(r.active) == 0 {
		w, at := r.plan.next(r.now)
		switch {
		case at.IsZero():
			return len(r.active) > 0
		case at.After(r.now):
			if len(r.active) == 0 {
				r.now = at
			}
		default:
			r.begin(t, w)
		}
		return true
	}
	i := rapid.IntRange(0, len(r.active)-1).Draw(t, "window")
	w := r.active[i]
	r.active = slices.Delete(r.active, i, i+1)
	r.end(t, w, events(w.days))
	return true
}

func (r *run) begin(t *rapid.T, w window) {
	if n := w.days.Len(); n < 1 || n > maxWindowDays {
		t.Fatalf("window %s has %d days", w.days, n)
	}
	for d := range w.days.All() {
		if r.now.Before(r.begun[d]) {
			t.Fatalf("%s is asked at %s, too early", d, r.now)
		}
	}
	r.asked++
	r.active = append(r.active, w)
}

// end ends a window in one of the ways in which a fetch does.
func (r *run) end(t *rapid.T, w window, events int64) {
	later := r.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "delay")) * time.Second)
	outcome := rapid.SampledFrom([]string{"done", "done", "done", "smaller", "again", "shrunk"}).Draw(t, "outcome")
	switch {
	case w.tries >= 3 || outcome == "done" && (events > 0 || w.empty):
		r.plan.learn(w.days.Len(), events)
		for d := range w.days.All() {
			r.ended[d]++
		}
	case outcome == "done":
		r.plan.confirm(w)
	case outcome == "shrunk":
		var lost []day.Day
		for d := range w.days.All() {
			if len(lost) == 0 || rapid.Bool().Draw(t, "lost") {
				lost = append(lost, d)
				r.ended[d]++
			}
		}
		r.plan.without(w, lost)
	default:
		r.plan.retry(w, outcome == "smaller", "", later)
		for d := range w.days.All() {
			r.begun[d] = later
		}
	}
}

// Whatever fails, each requested day ends exactly once.
func TestPlanHandsOutEachDayOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked := someRange(t, 300, "asked")
		done := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) day.Range { return someRange(t, 30, "done") }), 0, 4).Draw(t, "all done")
		perDay := rapid.SampledFrom([]int64{0, 1, 300, 20_000, 500_000, 5_000_000}).Draw(t, "events a day")
		r := &run{
			plan: newPlan(subtract([]day.Range{asked}, done), rapid.SampledFrom([]float64{0, 1, 20_000, 1e7}).Draw(t, "density"),
				rapid.SampledFrom([]int{0, 1, 54}).Draw(t, "an hour"), maxWindowDays),
			now: time.Unix(0, 0), begun: map[day.Day]time.Time{}, ended: map[day.Day]int{},
		}
		for r.step(t, func(w day.Range) int64 { return perDay * int64(w.Len()) }) {
			if left := r.plan.windowsLeft(); left < 0 {
				t.Fatalf("%d windows are left", left)
			}
		}
		isDone := count(done...)
		for d := range asked.All() {
			if want := 1 - min(1, isDone[d]); r.ended[d] != want {
				t.Fatalf("%s was ended %d times, want %d", d, r.ended[d], want)
			}
			delete(r.ended, d)
		}
		if len(r.ended) > 0 || len(r.plan.rest()) > 0 || r.plan.windowsLeft() != 0 {
			t.Fatalf("days outside were asked for, or some are left: %v", r.ended)
		}
	})
}

// Windows in progress and the rest of the plan always contain exactly the days that have not ended.
func TestRestIsWhatIsLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked := someRange(t, 200, "asked")
		r := &run{plan: newPlan([]day.Range{asked}, 0, 54, maxWindowDays), now: time.Unix(0, 0), begun: map[day.Day]time.Time{}, ended: map[day.Day]int{}}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			r.step(t, func(w day.Range) int64 { return int64(w.Len()) * 1000 })
		}
		all := r.plan.rest()
		for _, w := range r.active {
			all = append(all, w.days)
		}
		left := count(all...)
		for d := range asked.All() {
			if left[d]+r.ended[d] != 1 {
				t.Fatalf("%s is left %d times and was ended %d times", d, left[d], r.ended[d])
			}
		}
		if len(r.plan.rest()) > 0 {
			t.Fatal("rest did not empty the plan")
		}
	})
}

// answered works through a plan, six windows at a time once it knows how long they should be. It returns the number of
// requests, and the maximum number of days and of events per window.
func answered(p *plan, events func(day.Range) int64) (requests, longest int, most int64) {
	var active []window
	for {
		w, at := window{}, time.Time{}
		if len(active) == 0 || !p.learning() {
			w, at = p.next(time.Time{}.Add(1))
		}
		if !at.IsZero() {
			active = append(active, w)
			longest = max(longest, w.days.Len())
			most = max(most, events(w.days))
			requests++
		}
		if len(active) == 0 {
			return requests, longest, most
		}
		if len(active) == 6 || at.IsZero() {
			first := active[0]
			active = active[1:]
			if n := events(first.days); n > 0 || first.empty {
				p.learn(first.days.Len(), n)
			} else {
				p.confirm(first)
			}
		}
	}
}

func TestRequestsOfARange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		days     int
		density  float64 // the known density
		perDay   int64
		perHour  int
		requests int // maximum
		most     int64
	}{
		{"a sparse year", 365, 0, 10, 54, 14, 300},
		{"a sparse leap year", 366, 0, 10, 54, 14, 300},
		{"29 sparse days", 29, 0, 10, 54, 3, 300},
		{"a sparse week", 7, 0, 10, 54, 2, 60},
		{"a year that is known to be sparse", 365, 10, 10, 54, 13, 300},
		{"a year of 10,000 events a day", 365, 0, 10_000, 54, 14, 300_000},
		{"a year of 40,000 events a day", 365, 0, 40_000, 54, 34, 480_000},
		{"a dense year", 365, 0, 1_000_000, 54, 58, 8_000_000},
		{"a dense year that is known", 365, 1_000_000, 1_000_000, 54, 54, 8_000_000},
		{"a dense year, six requests an hour", 365, 0, 1_000_000, 6, 18, 30_000_000},
		{"a dense year, and nobody counts", 365, 0, 1_000_000, 0, 365, 1_000_000},
		{"a dense month", 30, 0, 1_000_000, 54, 30, 1_000_000},
		{"a dense month that is known", 30, 1_000_000, 1_000_000, 54, 30, 1_000_000},
		{"a month without events", 30, 0, 0, 54, 4, 0},
		{"a day without events", 1, 0, 0, 54, 2, 0},
		{"a day", 1, 0, 1_000_000, 54, 1, 1_000_000},
		{"a sparse decade", 3650, 0, 10, 54, 124, 300},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlan([]day.Range{{From: 1, To: day.Day(tt.days)}}, tt.density, tt.perHour, maxWindowDays)
			requests, longest, most := answered(p, func(w day.Range) int64 { return tt.perDay * int64(w.Len()) })
			if requests > tt.requests || longest > maxWindowDays || most > tt.most {
				t.Errorf("%d requests, the longest of %d days and %d events; want at most %d, %d and %d",
					requests, longest, most, tt.requests, maxWindowDays, tt.most)
			}
		})
	}
}

// When the budget of an hour is spent on a dense range, the plan includes the next hour's, and windows do not grow
// without limit.
func TestWindowsAfterAnHour(t *testing.T) {
	t.Parallel()
	p := newPlan([]day.Range{{From: 1, To: 200}}, 1_000_000, 54, maxWindowDays)
	p.handed = 3*54 + 1
	if got := p.length(); got != 4 {
		t.Errorf("windows have %d days, want 4: 200 days for 53 requests", got)
	}
}

// However the table changes, no window is longer than its known events allow or the budget requires, nor much longer
// than the longest successful one; and an unchanging table takes few requests.
func TestWindowsOfATableThatChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked := someRange(t, 400, "asked")
		perHour := rapid.SampledFrom([]int{0, 6, 54}).Draw(t, "an hour")
		turns := rapid.SliceOfN(rapid.SampledFrom([]int64{0, 1, 100, 20_000, 600_000, 5_000_000}), 1, 5).Draw(t, "events a day")
		p := newPlan([]day.Range{asked}, 0, perHour, maxWindowDays)
		p.newest = rapid.Bool().Draw(t, "newest first")
		got := map[day.Day]int{}
		events := func(r day.Range) (n int64) {
			for d := range r.All() {
				n += turns[int(d-asked.From)*len(turns)/asked.Len()]
			}
			return n
		}
		proved, known := 0, 0.0 // the longest successful window, and the density after the last
		for requests := 0; ; requests++ {
			left := countDays(p.todo)
			w, at := p.next(time.Time{}.Add(1))
			if at.IsZero() {
				break
			}
			n, days := events(w.days), w.days.Len()
			budget := 1
			if perHour > 0 {
				budget = (left + perHour - requests%perHour - 1) / (perHour - requests%perHour)
			}
			if days > max(1, growth*proved) {
				t.Fatalf("%s has %d days, and no window of more than %d has succeeded", w.days, days, proved)
			}
			if !w.empty && known*float64(days) > eventsPerWindow && days > max(1, budget) {
				t.Fatalf("%s is to have %.0f events, and the budget asks only for %d days", w.days, known*float64(days), budget)
			}
			if n == 0 && !w.empty {
				proved = max(proved, days)
				p.confirm(w)
				continue
			}
			proved, known = max(proved, days), float64(n)/float64(days)
			p.learn(days, n)
			for d := range w.days.All() {
				got[d]++
			}
		}
		for d := range asked.All() {
			if got[d] != 1 {
				t.Fatalf("%s came %d times", d, got[d])
			}
		}
		if len(got) != asked.Len() {
			t.Fatalf("%d days came, want %d", len(got), asked.Len())
		}
	})
}
