package jobs

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// check compares the lanes with the model, or, where calls are cut off, holds them to what must be true at any time.
func (m *machine) check(t *rapid.T) {
	for lane, want := range m.lanes {
		keys := laneKeys(lane)
		queue := m.q.rdb.LRange(m.context, keys[0], 0, -1).Val()
		holder, by := m.holder(t, lane)
		delayed := m.q.rdb.ZRange(m.context, keys[2], 0, -1).Val()
		all := slices.Concat(queue, delayed)
		if holder.job != "" {
			all = append(all, holder.job)
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
		got := []string{holder.job, strings.Join(queue, " "), strings.Join(delayed, " ")}
		if diff := cmp.Diff([]string{want.holder, strings.Join(want.queue, " "), strings.Join(wantDelayed, " ")}, got); diff != "" {
			t.Fatalf("lane %s (-want +got):\n%s", lane, diff)
		}
		m.checkStates(t, holder, by, queue, delayed)
	}
}

// checkStates compares the records of a lane's jobs with their places.
func (m *machine) checkStates(t *rapid.T, holder turn, by identity, queue, delayed []string) {
	want := make(map[string][]State)
	for _, id := range queue {
		want[id] = []State{StateWaiting}
	}
	for _, id := range delayed {
		want[id] = []State{StatePaused, StateRetrying}
	}
	switch {
	case by.id != "":
		want[holder.job] = []State{StateRunning}
	case holder.job != "":
		want[holder.job] = []State{StateQueued}
	}
	for id, states := range want {
		if e, err := m.q.records.load(m.context, id); err != nil || !slices.Contains(states, e.State) {
			t.Fatalf("job %s is %s, %v; want it %v", id, e.State, err, states)
		}
	}
}

// finish runs what is left without disturbance and demands that each job comes to an end.
func (m *machine) finish(t *rapid.T) {
	m.cut.left = -1
	m.faulty = true // the model's lanes are not moved on
	m.runs = nil
	for worker := range m.boots {
		m.boots[worker]++
		if err := m.q.beat(m.context, m.info(worker)); err != nil {
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
		if l, err := m.q.lanes.line(m.context, lane); err != nil || len(l.members()) > 0 {
			t.Fatalf("lane %s still knows %v, %v", lane, l, err)
		}
	}
}

// unfinished returns the jobs that are not final, also those whose submission was cut off before it was acknowledged.
func (m *machine) unfinished(t *rapid.T) []string {
	ids, err := m.q.rdb.ZRange(m.context, writeScope.all(), 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.q.records.loadAll(m.context, ids)
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

// round does what workers do in two minutes of which each job takes a moment.
func (m *machine) round(t *rapid.T) {
	m.clock.turn(2 * auditAge)
	w := m.identity("w1")
	if err := errors.Join(m.q.audit(m.context), sweepAll(m.context, m.sweeper("w1"))); err != nil {
		t.Fatal(err)
	}
	for lane := range m.lanes {
		tn, _ := m.holder(t, lane)
		e, err := m.q.begin(m.context, tn, w)
		if err == nil && e != nil {
			err = m.q.settle(m.context, tn, outcome{state: StateDone}, Progress{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
