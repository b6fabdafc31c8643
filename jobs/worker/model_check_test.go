package worker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// check compares the lanes with the model, or, if calls are interrupted, checks what must always be true.
func (m *machine) check(t *rapid.T) {
	for lane, want := range m.lanes {
		keys := lanes.LaneKeys(lane)
		queue := m.q.Engine().Redis.LRange(m.context, keys[0], 0, -1).Val()
		holder, by := m.holder(t, lane)
		delayed := m.q.Engine().Redis.ZRange(m.context, keys[2], 0, -1).Val()
		all := slices.Concat(queue, delayed)
		if holder.Job != "" {
			all = append(all, holder.Job)
			if !slices.Contains(m.turns, holder) {
				m.turns = append(m.turns, holder)
			}
		}
		slices.Sort(all)
		if len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Fatalf("lane %s knows a job twice: %v", lane, all)
		}
		if m.faulty {
			continue
		}
		var wantDelayed []string
		for job := range want.delayed {
			wantDelayed = append(wantDelayed, job)
		}
		slices.Sort(wantDelayed)
		slices.Sort(delayed)
		got := []string{holder.Job, strings.Join(queue, " "), strings.Join(delayed, " ")}
		if diff := cmp.Diff([]string{want.holder, strings.Join(want.queue, " "), strings.Join(wantDelayed, " ")}, got); diff != "" {
			t.Fatalf("lane %s (-want +got):\n%s", lane, diff)
		}
		m.checkStates(t, holder, by, queue, delayed)
	}
}

// checkStates compares the records of a lane's jobs with their positions.
func (m *machine) checkStates(t *rapid.T, holder lanes.Turn, by lanes.Identity, queue, delayed []string) {
	want := make(map[string][]jobs.State)
	for _, id := range queue {
		want[id] = []jobs.State{jobs.StateWaiting}
	}
	for _, id := range delayed {
		want[id] = []jobs.State{jobs.StatePaused, jobs.StateRetrying}
	}
	switch {
	case by.ID != "":
		want[holder.Job] = []jobs.State{jobs.StateRunning}
	case holder.Job != "":
		want[holder.Job] = []jobs.State{jobs.StateQueued}
	}
	for id, states := range want {
		if e, err := m.q.Engine().Records.Load(m.context, id); err != nil || !slices.Contains(states, e.State) {
			t.Fatalf("job %s is %s, %v; want it %v", id, e.State, err, states)
		}
	}
}

// finish runs the remaining jobs without disturbance and checks that each ends.
func (m *machine) finish(t *rapid.T) {
	m.cut.left = -1
	m.faulty = true // the model's lanes do not advance
	m.runs = nil
	for worker := range m.boots {
		m.boots[worker]++
		if err := m.q.Engine().Beat(m.context, m.info(worker)); err != nil {
			t.Fatal(err)
		}
	}
	for range 8 * (len(m.jobs) + 1) {
		if len(m.unfinished(t)) == 0 {
			break
		}
		m.round(t)
	}
	if left := m.unfinished(t); len(left) > 0 {
		t.Fatalf("jobs %v never end", left)
	}
	m.round(t)
	for lane := range m.lanes {
		if l, err := m.q.Engine().Lanes.Occupants(m.context, lane); err != nil || len(l.Members()) > 0 {
			t.Fatalf("lane %s still knows %v, %v", lane, l, err)
		}
	}
}

// unfinished returns the jobs that are not final, including those whose submission was interrupted before it was
// acknowledged.
func (m *machine) unfinished(t *rapid.T) []string {
	ids, err := m.q.Engine().Redis.ZRange(m.context, lanes.WriteScope.All(), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.q.Engine().Records.LoadAll(m.context, ids)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for i, e := range entries {
		if !e.State.Final() {
			left = append(left, ids[i])
		}
	}
	for _, id := range m.jobs {
		if !slices.Contains(ids, id) {
			t.Fatalf("job %s is lost", id)
		}
	}
	return left
}

// round does the work of the workers in two minutes, in which each job takes a moment.
func (m *machine) round(t *rapid.T) {
	m.clock.Turn(2 * auditAge)
	w := m.identity("w1")
	if err := errors.Join(audit(m.context, m.q.Engine()), sweepAll(m.context, m.sweeper("w1"))); err != nil {
		t.Fatal(err)
	}
	for lane := range m.lanes {
		tn, _ := m.holder(t, lane)
		e, err := m.q.Engine().Begin(m.context, tn, w)
		if err == nil && e != nil {
			err = m.q.Engine().Settle(m.context, tn, lanes.Outcome{State: jobs.StateDone}, jobs.Progress{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// late announces a turn again that may be over, like a slow process.
func (m *machine) late(t *rapid.T) {
	if len(m.turns) == 0 {
		t.Skip("no turns")
	}
	m.disturb(t)
	m.ok(t, m.q.Engine().Dispatch(m.context, rapid.SampledFrom(m.turns).Draw(t, "turn")))
}

func (m *machine) cancel(t *rapid.T) {
	if len(m.jobs) == 0 {
		t.Skip("no jobs")
	}
	id := rapid.SampledFrom(m.jobs).Draw(t, "job")
	m.disturb(t)
	r, err := m.q.Cancel(m.context, id)
	if !m.ok(t, err) || r.State != jobs.StateCancelled {
		return
	}
	l := m.lanes[r.Fetch.Database]
	l.queue = slices.DeleteFunc(l.queue, func(job string) bool { return job == id })
	delete(l.delayed, id)
	if l.holder == id {
		l.holder = ""
	}
	l.advance(m.clock.Now())
}

func (m *machine) retry(t *rapid.T) {
	if len(m.jobs) == 0 {
		t.Skip("no jobs")
	}
	id := rapid.SampledFrom(m.jobs).Draw(t, "job")
	m.disturb(t)
	r, err := m.q.Retry(m.context, id)
	if errors.Is(err, jobs.ErrNotRetryable) {
		m.cut.left = -1
		return
	}
	if m.ok(t, err) {
		l := m.lanes[r.Fetch.Database]
		l.queue = append(l.queue, id)
		l.advance(m.clock.Now())
	}
}

func TestLanesKeepTheirOrderUnderAnyInterleaving(t *testing.T) {
	t.Parallel()
	testMachine(t, false)
}

func TestNoJobIsLostWhereverACallIsCutOff(t *testing.T) {
	t.Parallel()
	testMachine(t, true)
}

func testMachine(t *testing.T, faulty bool) {
	t.Helper()
	q, c := fakeQueue(t)
	cut := &cutter{left: -1}
	q.Engine().Redis.AddHook(cut)
	rapid.Check(t, func(t *rapid.T) {
		if err := q.Engine().Redis.FlushAll(context.Background()).Err(); err != nil {
			t.Fatal(err)
		}
		m := newMachine(q, c, cut, faulty)
		t.Repeat(m.actions())
		m.finish(t)
	})
}
