package worker

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
)

// run is an attempt of the model.
type run struct {
	lanes.Turn
	by      lanes.Identity
	outcome *lanes.Outcome // once the test has tried to settle it
}

// machine drives a queue at random.
type machine struct {
	q       *queue.Queue
	clock   *redistest.Clock
	cut     *cutter
	lanes   map[string]*laneModel
	jobs    []string             // submitted
	turns   []lanes.Turn         // all seen so far
	runs    []run                // begun and not settled
	lost    []run                // their processes have died, but may wake up again
	boots   map[string]int       // of each worker
	fences  map[string]int64     // of the last begin, by lane
	aside   map[string]time.Time // jobs that have to wait
	faulty  bool
	context context.Context
}

func newMachine(q *queue.Queue, c *redistest.Clock, cut *cutter, faulty bool) *machine {
	m := &machine{
		q: q, clock: c, cut: cut, faulty: faulty, context: context.Background(),
		lanes:  map[string]*laneModel{"main/a.db": {}, "main/b.db": {}},
		boots:  map[string]int{"w1": 1, "w2": 1},
		fences: make(map[string]int64), aside: make(map[string]time.Time),
	}
	for _, l := range m.lanes {
		l.delayed = make(map[string]time.Time)
	}
	return m
}

// info returns the content of a worker's heartbeat.
func (m *machine) info(worker string) lanes.Heartbeat {
	return lanes.Heartbeat{WorkerInfo: jobs.WorkerInfo{ID: worker, Volumes: []jobs.Volume{{Name: jobs.DefaultVolume}}}, Boot: m.identity(worker).Boot}
}

func (m *machine) identity(worker string) lanes.Identity {
	return lanes.Identity{ID: worker, Boot: strconv.Itoa(m.boots[worker])}
}

// disturb sometimes makes one of the next commands fail.
func (m *machine) disturb(t *rapid.T) {
	m.cut.left = -1
	if m.faulty && rapid.IntRange(0, 3).Draw(t, "disturb") == 0 {
		m.cut.left = rapid.IntRange(0, 6).Draw(t, "commands before the cut")
		m.cut.lose = rapid.Bool().Draw(t, "only the answer is lost")
	}
}

// ok ends a disturbance and reports whether the call got through. Asynq does not wrap Redis errors.
func (m *machine) ok(t *rapid.T, err error) bool {
	m.cut.left = -1
	if err != nil && !strings.Contains(err.Error(), errCut.Error()) {
		t.Fatalf("err = %v", err)
	}
	return err == nil
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": m.check, "submit": m.submit, "begin": m.begin, "settle": m.settle, "crash": m.crash, "wake": m.wake,
		"sweep": m.sweep, "cancel": m.cancel, "retry": m.retry, "time": m.time, "late": m.late,
	}
}

func (m *machine) time(t *rapid.T) {
	m.clock.Turn(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
}

func (m *machine) submit(t *rapid.T) {
	request := testRequest(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "database"))
	request.Priority = rapid.SampledFrom([]jobs.Priority{jobs.PriorityHigh, jobs.PriorityDefault, jobs.PriorityLow}).Draw(t, "priority")
	request.IfBusy = rapid.SampledFrom([]jobs.IfBusy{jobs.IfBusyQueue, jobs.IfBusyJoin}).Draw(t, "if busy")
	there := m.open(t, request.Fetch.Database)
	m.disturb(t)
	r, err := m.q.Submit(m.context, request)
	if !m.ok(t, err) {
		return
	}
	if request.IfBusy == jobs.IfBusyJoin && r.Joined != (len(there) > 0) && !m.faulty || r.Joined && !slices.Contains(there, r.ID) {
		t.Fatalf("Submit() = %+v, while %v could be joined", r, there)
	}
	if r.Joined {
		return
	}
	m.jobs = append(m.jobs, r.ID)
	l := m.lanes[r.Fetch.Database]
	l.queue = append(l.queue, r.ID)
	l.advance(m.clock.Now())
}

// open returns the jobs of a database that can be joined.
func (m *machine) open(t *rapid.T, database string) []string {
	found, err := m.q.List(m.context, queue.Filter{Database: database})
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, r := range found {
		e, err := m.q.Engine().Records.Load(m.context, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !e.State.Final() && !e.Cancelled {
			open = append(open, r.ID)
		}
	}
	return open
}

// begin handles a task like a worker. The task may be an old one.
func (m *machine) begin(t *rapid.T) {
	if len(m.turns) == 0 {
		t.Skip("no turns")
	}
	tn := rapid.SampledFrom(m.turns).Draw(t, "turn")
	w := m.identity(rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "worker"))
	if slices.ContainsFunc(m.runs, func(r run) bool { return r.Turn == tn && r.by == w }) {
		return // the worker already has it
	}
	before, by := m.holder(t, tn.Lane)
	m.disturb(t)
	e, err := m.q.Engine().Begin(m.context, tn, w)
	if !m.ok(t, err) {
		return
	}
	current := before == tn && (by.ID == "" || by == w)
	if (e != nil) != current && !m.faulty {
		t.Fatalf("begin(%v) = %v, want %v", tn, e != nil, current)
	}
	if e == nil {
		return
	}
	if e.State != jobs.StateRunning || tn.Fence < m.fences[tn.Lane] {
		t.Fatalf("begun %s under fence %d after %d", e.State, tn.Fence, m.fences[tn.Lane])
	}
	m.fences[tn.Lane] = tn.Fence
	m.runs = append(m.runs, run{Turn: tn, by: w})
}

// holder returns the current turn of a lane, and who has begun it.
func (m *machine) holder(t *rapid.T, lane string) (lanes.Turn, lanes.Identity) {
	tn, by, err := m.q.Engine().Lanes.Holder(m.context, lane)
	if err != nil {
		t.Fatal(err)
	}
	return tn, by
}

func (m *machine) drawOutcome(t *rapid.T) lanes.Outcome {
	at := m.clock.Now().Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "after ms")) * time.Millisecond).Truncate(time.Millisecond)
	return rapid.SampledFrom([]lanes.Outcome{
		{State: jobs.StateDone},
		{State: jobs.StateFailed},
		{State: jobs.StateCancelled},
		{State: jobs.StateWaiting, Refund: true},
		{State: jobs.StateRetrying, RunAt: at},
		{State: jobs.StatePaused, RunAt: at, Refund: true},
	}).Draw(t, "outcome")
}

func (m *machine) settle(t *rapid.T) {
	if len(m.runs) == 0 {
		t.Skip("nothing runs")
	}
	i := rapid.IntRange(0, len(m.runs)-1).Draw(t, "run")
	r := &m.runs[i]
	if r.outcome == nil {
		o := m.drawOutcome(t)
		r.outcome = &o
	}
	m.disturb(t)
	err := m.q.Engine().Settle(m.context, r.Turn, *r.outcome, jobs.Progress{})
	if errors.Is(err, jobs.ErrLaneLost) {
		err = nil
	}
	if m.ok(t, err) {
		m.settled(*r)
		m.runs = slices.Delete(m.runs, i, i+1)
	}
}

// settled advances the model's lane after r.
func (m *machine) settled(r run) {
	l := m.lanes[r.Lane]
	if l.holder != r.Job {
		return
	}
	l.holder = ""
	e, err := m.q.Engine().Records.Load(m.context, r.Job)
	switch {
	case err != nil || e == nil || e.State.Final():
	case r.outcome.State == jobs.StateWaiting:
		l.queue = slices.Insert(l.queue, 0, r.Job)
	default:
		l.delayed[r.Job] = r.outcome.RunAt
	}
	l.advance(m.clock.Now())
}

// crash kills and restarts a worker's process: what it was running is lost at once.
func (m *machine) crash(t *rapid.T) {
	worker := rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "worker")
	m.lost = append(m.lost, slices.DeleteFunc(slices.Clone(m.runs), func(r run) bool { return r.by.ID != worker })...)
	m.runs = slices.DeleteFunc(m.runs, func(r run) bool { return r.by.ID == worker })
	m.boots[worker]++
	dead := m.dead(t, worker)
	m.disturb(t)
	err := m.q.Engine().Beat(m.context, m.info(worker))
	if err == nil {
		err = m.sweeper(worker).reclaim(m.context)
	}
	if m.ok(t, err) {
		m.rescued(t, dead)
	}
}

// wake lets an attempt of a dead process settle its turn, as if it had only been stopped.
func (m *machine) wake(t *rapid.T) {
	if len(m.lost) == 0 {
		t.Skip("nobody is lost")
	}
	i := rapid.IntRange(0, len(m.lost)-1).Draw(t, "lost")
	r := m.lost[i]
	m.lost = slices.Delete(m.lost, i, i+1)
	// It must get an error, unless it was already settled in the same way. In any case it must change nothing.
	if err := m.q.Engine().Settle(m.context, r.Turn, m.drawOutcome(t), jobs.Progress{}); err != nil && !errors.Is(err, jobs.ErrLaneLost) {
		t.Fatal(err)
	}
}

func (m *machine) sweeper(worker string) *sweeper {
	s := testSweeper(m.q, m.identity(worker))
	s.running = func(tn lanes.Turn) bool {
		return slices.ContainsFunc(m.runs, func(r run) bool { return r.Turn == tn && r.by.ID == worker })
	}
	return s
}

func (m *machine) sweep(t *rapid.T) {
	for worker := range m.boots { // so both live
		if err := m.q.Engine().Beat(m.context, m.info(worker)); err != nil {
			t.Fatal(err)
		}
	}
	worker := rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "worker")
	dead := m.dead(t, "w1", "w2")
	m.disturb(t)
	if m.ok(t, sweepAll(m.context, m.sweeper(worker))) {
		m.rescued(t, dead)
		for _, l := range m.lanes {
			l.advance(m.clock.Now())
		}
	}
}

// dead returns the lanes with turns begun by earlier processes of the given workers.
func (m *machine) dead(t *rapid.T, workers ...string) []string {
	var dead []string
	for lane := range m.lanes {
		if _, w := m.holder(t, lane); slices.Contains(workers, w.ID) && w != m.identity(w.ID) {
			dead = append(dead, lane)
		}
	}
	return dead
}

// rescued ends turns of dead processes in the model.
func (m *machine) rescued(t *rapid.T, dead []string) {
	for _, lane := range dead {
		l := m.lanes[lane]
		job := l.holder
		if job == "" {
			continue
		}
		e, err := m.q.Engine().Records.Load(m.context, job)
		if err != nil {
			t.Fatal(err)
		}
		l.holder = ""
		if !e.State.Final() {
			l.queue = slices.Insert(l.queue, 0, job)
		}
		l.advance(m.clock.Now())
	}
}
