package workspace

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/storage"
)

// someCoverage draws a table's coverage of days around asked.
func someCoverage(t *rapid.T, asked day.Range) (all []storage.Coverage) {
	for d := asked.From - 3; d <= asked.To+3; d++ {
		switch rapid.SampledFrom([]string{"", "", "complete", "complete", "partial", "unavailable", "partial for ever"}).Draw(t, "state") {
		case "complete":
			all = append(all, storage.Coverage{Day: d, State: storage.Complete, Rows: 5})
		case "partial":
			all = append(all, storage.Coverage{Day: d, State: storage.Partial, Rows: 5})
		case "unavailable":
			all = append(all, storage.Coverage{Day: d, State: storage.Unavailable, Reason: "gone"})
		case "partial for ever":
			all = append(all, storage.Coverage{Day: d, State: storage.Partial, Rows: 5, Reason: "gone"})
		}
	}
	return all
}

// isDue implements the rule differently from the code.
func isDue(c storage.Coverage, age, lookback int) bool {
	if c.Reason != "" {
		return false
	}
	return c.State == "" || c.State == storage.Partial || age <= lookback
}

// Each due day that is not done is handed out exactly once, newest first, and no other day is. A limit of windows
// omits the oldest days.
func TestPlanOfDueDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked := someRange(t, 90, "asked")
		today := asked.To + day.Day(rapid.IntRange(0, 3).Draw(t, "today"))
		due := &Due{Lookback: rapid.IntRange(0, 9).Draw(t, "look-back"), MaxWindows: rapid.IntRange(0, 6).Draw(t, "windows")}
		known := someCoverage(t, asked)
		done := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) day.Range { return someRange(t, 5, "done") }), 0, 3).Draw(t, "all done")
		states := map[day.Day]storage.Coverage{}
		for _, c := range known {
			states[c.Day] = c
		}
		f := &fetch{Workspace: &Workspace{cfg: Config{WindowDays: maxWindowDays, Now: func() time.Time { return today.Start(time.UTC) }}}}
		f.req.Days, f.req.Due = asked, due
		var found storage.Plan
		found.Coverage = known
		for _, r := range done {
			found.Done = append(found.Done, storage.Receipt{Days: r})
		}
		f.schedule(found)

		handed, windows, last := map[day.Day]int{}, 0, asked.To+1
		for {
			w, at := f.plan.next(time.Unix(0, 0))
			if at.IsZero() {
				break
			}
			windows++
			if w.days.Len() == 0 || w.days.To >= last {
				t.Fatalf("window %s comes after one that begins on %s", w.days, last)
			}
			last = w.days.From
			for d := range w.days.All() {
				handed[d]++
			}
			if rapid.Bool().Draw(t, "learn") {
				f.plan.learn(w.days.Len(), rapid.Int64Range(0, 400_000).Draw(t, "events"))
			}
		}
		if most := max(0, due.MaxWindows-len(done)); due.MaxWindows > 0 && windows > most {
			t.Fatalf("%d windows, want at most %d", windows, most)
		}
		isDone, left := count(done...), count(f.plan.todo...)
		for d := asked.From - 3; d <= asked.To+3; d++ {
			want := 0
			if asked.Contains(d) && isDone[d] == 0 && isDue(states[d], int(today-d), due.Lookback) {
				want = 1
			}
			if handed[d]+left[d] != want {
				t.Fatalf("%s (%+v, today %s, look-back %d) is handed out %d times and left %d times, want %d in all",
					d, states[d], today, due.Lookback, handed[d], left[d], want)
			}
			if left[d] > 0 && (d >= last || due.MaxWindows == 0) {
				t.Fatalf("%s is left, though %s was handed out", d, last)
			}
		}
		if progress := f.now(); progress.DaysLeft != len(left) || progress.WindowsTotal != len(done) && len(done) == 0 {
			t.Fatalf("progress = %+v, with %d days left", progress, len(left))
		}
	})
}

// Days that are no longer served leave the plan, at any position.
func TestBefore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked := someRange(t, 200, "asked")
		r := &run{plan: newPlan([]day.Range{asked}, 0, 54, maxWindowDays), now: time.Unix(0, 0), begun: map[day.Day]time.Time{}, ended: map[day.Day]int{}}
		r.plan.newest = rapid.Bool().Draw(t, "newest")
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			r.step(t, func(w day.Range) int64 { return int64(w.Len()) * 1000 })
		}
		cut := asked.From + day.Day(rapid.IntRange(-5, 205).Draw(t, "cut"))
		older := count(r.plan.before(cut)...)
		again := r.plan.before(cut)
		rest := r.plan.rest()
		var active []day.Range
		for _, w := range r.active {
			active = append(active, w.days)
		}
		newer, under := count(rest...), count(active...)
		for d := range asked.All() {
			if older[d]+newer[d]+under[d]+r.ended[d] != 1 || older[d] > 0 && d >= cut || newer[d] > 0 && d < cut {
				t.Fatalf("cut at %s, %s is taken out %d times and stays %d times", cut, d, older[d], newer[d])
			}
		}
		if len(again) > 0 {
			t.Fatalf("%v was left by the first call", again)
		}
	})
}
