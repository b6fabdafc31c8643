package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// world consists of some replicas of a worker on one Redis, over a year. Its time is that of a synctest bubble, which
// jumps from one event to the next; the clocks of Redis and of the replicas can be wrong. A model of a fetch replaces
// the jobs.
type world struct {
	*testing.T
	rng      *rand.Rand
	mini     *miniredis.Miniredis
	queue    *queue.Queue // of an observer
	replicas []*replica
	ahead    time.Duration // of Redis's clock
	plan     model
	schedule jobs.Schedule
	zone     *time.Location
	actions  []action // by time

	runs     *jobs.Record // the job of the worker
	ends     time.Time
	covered  map[day.Day]bool // stored after their end
	tickJobs map[time.Time][]jobs.Record
	pieces   int
	live     map[string]jobs.Record
	seen     map[string]bool
}

// action is an event in the world.
type action struct {
	at time.Time
	do func()
}

// replica is one of the workers.
type replica struct {
	runner *schedule.Runner
	cut    *cutter
	skew   time.Duration
	up     bool
}

var errKilled = errors.New("killed")

func connect(t *testing.T, mini *miniredis.Miniredis, hook redis.Hook, now func() time.Time) *queue.Queue {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return mini.Dial() },
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		PoolSize:                 1,
	})
	t.Cleanup(func() { rdb.Close() })
	if hook != nil {
		rdb.AddHook(hook)
	}
	q, err := queue.New(rdb, queue.Config{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func newWorld(t *testing.T, seed uint64, s jobs.Schedule, replicas int) *world {
	t.Helper()
	mini := miniredis.NewMiniRedis()
	t.Cleanup(mini.Close)
	zone, err := time.LoadLocation(s.ProjectZone)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		T: t, rng: rand.New(rand.NewPCG(seed, 5)), mini: mini, queue: connect(t, mini, nil, nil), schedule: s.WithDefaults(), zone: zone,
		covered: map[day.Day]bool{}, tickJobs: map[time.Time][]jobs.Record{}, live: map[string]jobs.Record{}, seen: map[string]bool{},
	}
	for range replicas {
		r := &replica{cut: &cutter{left: -1}, up: true, skew: w.span(time.Hour) - 30*time.Minute}
		q := connect(t, mini, r.cut, func() time.Time { return time.Now().Add(r.skew) })
		r.runner = &schedule.Runner{Queue: q, Log: slog.New(slog.DiscardHandler)}
		w.replicas = append(w.replicas, r)
	}
	return w
}

// span draws a duration of whole seconds below a limit.
func (w *world) span(limit time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(limit/time.Second))) * time.Second
}

// clock returns Redis's time.
func (w *world) clock() time.Time { return time.Now().Add(w.ahead).UTC() }

// setClock sets how far Redis's clock is ahead; negative means behind.
func (w *world) setClock(ahead time.Duration) {
	w.ahead = ahead
	w.mini.SetTime(w.clock())
}

// step lets all running replicas look for what is due. Some are killed during that. If none survives, one is restarted
// at once, so that what is due now is done now.
func (w *world) step() {
	w.mini.SetTime(w.clock())
	done, down := false, true
	for _, i := range w.rng.Perm(len(w.replicas)) {
		r := w.replicas[i]
		if !r.up {
			continue
		}
		down = false
		if w.rng.IntN(10) == 0 {
			*r.cut = cutter{left: w.rng.IntN(12), after: w.rng.IntN(2) == 0}
		}
		err := r.runner.Step(w.Context())
		switch {
		case r.cut.dead:
			r.up = false
			w.after(w.span(20*time.Minute), func() { r.up = true })
		case err != nil:
			w.Fatalf("Step() = %v", err)
		default:
			done = true
		}
		*r.cut = cutter{left: -1}
	}
	if down {
		return
	}
	if !done {
		if err := w.replicas[0].runner.Step(w.Context()); err != nil {
			w.Fatalf("Step() = %v", err)
		}
	}
	w.plan.look(w.clock(), w.lastTickRuns())
}

// lastTickRuns reports whether a job of a tick is not final.
func (w *world) lastTickRuns() bool {
	for _, job := range w.live {
		if job.Piece == 0 {
			return true
		}
	}
	return false
}

// observe records new jobs, and which one runs next.
func (w *world) observe() {
	var all []jobs.Record
	for _, state := range []jobs.State{jobs.StateQueued, jobs.StateWaiting} {
		found, err := w.queue.List(w.Context(), queue.Filter{State: state})
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, found...)
	}
	ticks, pieces := 0, 0
	for _, job := range all {
		if !w.seen[job.ID] {
			w.seen[job.ID] = true
			w.live[job.ID] = job
			if job.Piece > 0 {
				w.pieces++
			} else {
				w.tickJobs[job.Tick] = append(w.tickJobs[job.Tick], job)
			}
		}
		if job.Piece > 0 {
			pieces++
		} else {
			ticks++
		}
		if job.State == jobs.StateQueued {
			w.begin(job)
		}
	}
	if w.runs == nil && len(w.live) > 0 { // its maker died before it announced the turn; workers see that within a second
		lanes, err := w.queue.Lanes(w.Context())
		if err != nil || len(lanes) != 1 {
			w.Fatalf("Lanes() = %v, %v", lanes, err)
		}
		if job, ok := w.live[lanes[0].Holder]; ok {
			w.begin(job)
		}
	}
	if ticks > 1 || pieces > 1 {
		w.Fatalf("%s: %d jobs of ticks and %d pieces are not final", w.clock(), ticks, pieces)
	}
	if len(w.live) > 0 && w.runs == nil {
		w.Fatalf("%s: no job has its turn, of %v", w.clock(), w.live)
	}
}

// begin gives a job to a worker, if it has none.
func (w *world) begin(job jobs.Record) {
	if w.runs == nil {
		w.runs, w.ends = &job, time.Now().Add(time.Minute+w.span(w.jobTime()))
	}
}

// jobTime returns the duration of a job: usually minutes, sometimes days.
func (w *world) jobTime() time.Duration {
	if w.rng.IntN(30) == 0 {
		return 60 * time.Hour
	}
	return 30 * time.Minute
}

// finish ends the running job, like a worker that fetches one day per request, newest first; sometimes it fails.
func (w *world) finish() {
	job := *w.runs
	w.runs = nil
	delete(w.live, job.ID)
	if _, err := w.queue.Cancel(w.Context(), job.ID); err != nil { // removes it from its lane
		w.Fatal(err)
	}
	state, p := jobs.StateFailed, jobs.Progress{}
	if w.rng.IntN(20) > 0 {
		state, p = jobs.StateDone, w.fetch(job.Fetch)
	}
	body, err := json.Marshal(p)
	if err != nil {
		w.Fatal(err)
	}
	w.mini.HSet("mixduck:{jobs}:rec:"+job.ID, "state", string(state), "progress", string(body))
}

// fetch stores days.
func (w *world) fetch(f jobs.Fetch) (p jobs.Progress) {
	today := day.Of(w.clock().In(w.zone))
	days := slices.Collect(f.Days.All())
	slices.Reverse(days)
	for _, d := range days {
		switch {
		case w.covered[d] && d < today-day.Day(f.Due.Lookback):
		case p.WindowsDone == f.Due.MaxWindows:
			p.DaysLeft++
		default:
			p.WindowsDone++
			w.covered[d] = w.covered[d] || d < today
		}
	}
	return p
}

// after schedules an action.
func (w *world) after(d time.Duration, do func()) {
	w.actions = append(w.actions, action{time.Now().Add(d), do})
	slices.SortStableFunc(w.actions, func(a, b action) int { return a.at.Compare(b.at) })
}

// run lets time pass until an end.
func (w *world) run(end time.Time) {
	for {
		w.step()
		w.observe()
		next := end
		if tick := w.plan.next(w.clock()); !tick.IsZero() {
			next = earlier(next, tick.Add(-w.ahead).Add(w.span(2*time.Second))) // replicas look once a second
		}
		if len(w.actions) > 0 {
			next = earlier(next, w.actions[0].at)
		}
		if w.runs != nil {
			next = earlier(next, w.ends)
		}
		time.Sleep(time.Until(next))
		for len(w.actions) > 0 && !w.actions[0].at.After(time.Now()) {
			do := w.actions[0].do
			w.actions = w.actions[1:]
			do()
		}
		if w.runs != nil && !w.ends.After(time.Now()) {
			w.finish()
		}
		if !time.Now().Before(end) {
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
