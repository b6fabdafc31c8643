package schedule_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"mixduck/internal/day"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
)

func always(time.Time) bool { return true }

func weekdays(wall time.Time) bool {
	return wall.Weekday() != time.Sunday && wall.Weekday() != time.Saturday
}

// Years of schedules, with restarts, kills within a step, outages, pauses and clock steps: each tick has exactly the
// outcome of the model, no tick has two jobs, each job fetches the right days, and in the end each day is stored.
func TestYears(t *testing.T) {
	t.Parallel()
	tests := []struct {
		zone         string
		cron         string
		year         int
		hour, minute int
		wanted       func(time.Time) bool
		replicas     int
		clocks       bool // are set
		catchUp      time.Duration
	}{
		{"UTC", "15 6 * * mon-fri", 2026, 6, 15, weekdays, 3, true, 4 * 24 * time.Hour},
		{"America/New_York", "30 2 * * *", 2026, 2, 30, always, 3, true, 0},
		{"Pacific/Apia", "15 6 * * *", 2011, 6, 15, always, 4, false, 0},
		{"Europe/Berlin", "0 0 2 * * *", 2026, 2, 0, always, 2, true, 0},
		{"Asia/Kolkata", "45 23 * * *", 2026, 23, 45, always, 3, true, 4 * time.Hour},
		{"Australia/Lord_Howe", "15 2 * * *", 2026, 2, 15, always, 5, false, 4 * 24 * time.Hour},
		{"America/New_York", "30 1 * * *", 2026, 1, 30, always, 5, false, 10 * 24 * time.Hour},
		{"Pacific/Apia", "@daily", 2011, 0, 0, always, 2, true, 0},
		{"Australia/Lord_Howe", "45 1 * * *", 2026, 1, 45, always, 1, true, 0},
		{"UTC", "15 6 * * *", 2026, 6, 15, always, 1, false, 0},
	}
	if !proctest.Soak() {
		tests = tests[:3]
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%s %s", tt.zone, tt.cron), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Date(tt.year, 2, 1, 12, 0, 0, 0, time.UTC)
				end := begin.AddDate(1, 0, 0)
				time.Sleep(time.Until(begin))
				first := day.Of(begin) - 100
				w := newWorld(t, uint64(i), jobs.Schedule{
					Name: "x", Project: "1", ProjectZone: tt.zone, Database: "main/x.db", Cron: tt.cron, CatchUp: tt.catchUp, Start: first, Lookback: 5,
				}, tt.replicas)
				w.plan = model{
					ticks: wallTicks(w.zone, begin, end.AddDate(0, 3, 0), tt.hour, tt.minute, tt.wanted),
					since: begin, catchUp: w.schedule.CatchUp, dealt: map[time.Time]fact{},
				}
				w.setClock(0)
				if err := schedule.NewStore(w.queue).Add(t.Context(), w.schedule); err != nil {
					t.Fatal(err)
				}
				w.disturb(end, tt.clocks)
				w.run(end)
				w.settle()
				w.check(first)
			})
		})
	}
}

// disturb plans failures until an end.
func (w *world) disturb(end time.Time, clocks bool) {
	year := time.Until(end)
	down := func(at, lasts time.Duration, which ...*replica) {
		for _, r := range which {
			w.after(at, func() { r.up = false })
			w.after(at+lasts, func() { r.up = true })
		}
	}
	for range 40 { // restarts of a replica
		down(w.span(year), w.span(time.Hour), w.replicas[w.rng.IntN(len(w.replicas))])
	}
	for range 8 { // outages of minutes and days
		down(w.span(year), time.Minute+w.span(time.Hour), w.replicas...)
		down(w.span(year), w.span(4*24*time.Hour), w.replicas...)
	}
	down(w.span(year), 7*24*time.Hour+w.span(14*24*time.Hour), w.replicas...)
	for range 4 {
		at := w.span(year)
		w.after(at, func() { w.pause(true) })
		w.after(at+w.span(5*24*time.Hour), func() { w.pause(false) })
	}
	if !clocks {
		return
	}
	for range 5 { // steps back and forth
		at := w.span(year)
		ahead := w.span(12*24*time.Hour) - 6*24*time.Hour
		w.after(at, func() { w.setClock(ahead) })
		w.after(at+w.span(4*24*time.Hour), func() { w.setClock(0) })
	}
}

// pause pauses or resumes the schedule.
func (w *world) pause(pause bool) {
	w.mini.SetTime(w.clock())
	changed, err := schedule.NewStore(w.queue).Pause(w.Context(), "x", pause)
	if err != nil {
		w.Fatal(err)
	}
	if changed && !pause {
		w.plan.since = w.clock()
	}
	w.plan.paused = pause
}

// settle lets everything run for some weeks.
func (w *world) settle() {
	w.actions = nil
	for _, r := range w.replicas {
		r.up = true
	}
	w.setClock(0)
	w.pause(false)
	w.run(time.Now().AddDate(0, 0, 40))
	for w.runs != nil { // no tick is due while no replica looks
		time.Sleep(time.Until(w.ends))
		w.finish()
		w.step()
		w.observe()
	}
}

// check compares the outcomes with the model.
func (w *world) check(first day.Day) {
	outcomes := map[schedule.TickOutcome]int{}
	for tick, f := range w.plan.dealt {
		outcomes[f.outcome]++
		made := w.tickJobs[tick]
		delete(w.tickJobs, tick)
		if f.outcome != schedule.TickJob {
			if len(made) > 0 {
				w.Errorf("tick %s was %s at %s, and has %d jobs", tick, f.outcome, f.at, len(made))
			}
			continue
		}
		want := day.Range{From: first, To: day.Of(f.at.In(w.zone)) - 1}
		if len(made) != 1 {
			w.Errorf("tick %s was due at %s, and has %d jobs", tick, f.at, len(made))
		} else if got := made[0].Fetch.Days; got != want {
			w.Errorf("tick %s, fired at %s, asks for %s, want %s", tick, f.at, got, want)
		}
	}
	for tick, made := range w.tickJobs {
		w.Errorf("tick %s has %d jobs, and should not have fired", tick, len(made))
	}
	history, err := schedule.NewStore(w.queue).History(w.Context(), "x")
	if err != nil {
		w.Fatal(err)
	}
	for _, got := range history {
		want := w.plan.dealt[got.Tick]
		if got.Outcome != want.outcome || !got.At.Equal(want.at) {
			w.Errorf("history: tick %s was %s at %s, want %s at %s", got.Tick, got.Outcome, got.At, want.outcome, want.at)
		}
	}
	last := day.Of(w.clock().In(w.zone)) - 4 // the last tick may have failed
	for d := first; d <= last; d++ {
		if !w.covered[d] && !skippedDate(w.zone, d) {
			w.Errorf("day %s is not stored", d)
		}
	}
	w.Logf("%d ticks dealt with: %v; %d pieces", len(w.plan.dealt), outcomes, w.pieces)
	if outcomes[schedule.TickJob] < 150 || w.pieces < 3 || outcomes[schedule.TickSkipped] == 0 {
		w.Error("nothing much has happened")
	}
}

// skippedDate reports whether a zone skips the date.
func skippedDate(zone *time.Location, d day.Day) bool { return day.Of(d.Start(zone)) != d }
