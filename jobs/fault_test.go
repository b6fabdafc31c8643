package jobs_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"mixduck/internal/redistest"
	"mixduck/jobs"
)

// operation is a public call, and what must be true after it, whatever became of its commands. The queue of check is one
// without faults, and so is the client of its rig; that of call's rig has them.
type operation struct {
	name    string
	prepare func(t rig) string // returns what the others need, for example the id of a job
	call    func(t rig, arg string) error
	check   func(t rig, arg string, err error)
}

// cancelled submits a job and cancels it.
func cancelled(t rig) string {
	r := submit(t, t.q, "x", "a")
	if _, err := t.q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func none(rig) string { return "" }

// jobsAtMostOnce checks that a call which makes a job has made one, or at most one if it returned an error.
func jobsAtMostOnce(t rig, _ string, err error) {
	all, listErr := t.q.List(t.Context(), jobs.Filter{})
	if listErr != nil || len(all) > 1 || err == nil && len(all) != 1 {
		t.Errorf("there are %d jobs (%v) after %v", len(all), listErr, err)
	}
}

func operations() []operation {
	request := jobs.Request{Fetch: fetch("x", "a")}
	return []operation{
		{"Submit", none, func(t rig, _ string) error {
			_, err := t.q.Submit(t.Context(), request)
			return err
		}, jobsAtMostOnce},
		{"Submit and join", none, func(t rig, _ string) error {
			r := request
			r.IfBusy = jobs.IfBusyJoin
			_, err := t.q.Submit(t.Context(), r)
			return err
		}, jobsAtMostOnce},
		{"Cancel", func(t rig) string { return submit(t, t.q, "x", "a").ID }, func(t rig, id string) error {
			_, err := t.q.Cancel(t.Context(), id)
			return err
		}, func(t rig, id string, err error) {
			if state := job(t, t.q, id).State; err == nil && state != jobs.StateCancelled {
				t.Errorf("the job is %s", state)
			}
		}},
		{"Retry", cancelled, func(t rig, id string) error {
			_, err := t.q.Retry(t.Context(), id)
			return err
		}, func(t rig, id string, err error) {
			if state := job(t, t.q, id).State; errors.Is(err, jobs.ErrNotRetryable) || err == nil && state == jobs.StateCancelled {
				t.Errorf("the job is %s after %v", state, err)
			}
		}},
		{"AddSchedule", none, func(t rig, _ string) error { return t.q.AddSchedule(t.Context(), daily("morning")) }, func(t rig, _ string, err error) {
			all, listErr := t.q.Schedules(t.Context(), time.Now())
			if errors.Is(err, jobs.ErrScheduleTaken) || listErr != nil || err == nil && len(all) != 1 {
				t.Errorf("there are %d schedules (%v) after %v", len(all), listErr, err)
			}
		}},
		{"RemoveSchedule", scheduled, func(t rig, name string) error { return t.q.RemoveSchedule(t.Context(), name) }, func(t rig, name string, err error) {
			_, getErr := t.q.Schedule(t.Context(), name, time.Now())
			if errors.Is(err, jobs.ErrNoSchedule) || err == nil && !errors.Is(getErr, jobs.ErrNoSchedule) {
				t.Errorf("%v, and then %v", err, getErr)
			}
		}},
		{"RunSchedule", scheduled, func(t rig, name string) error {
			_, err := t.q.RunSchedule(t.Context(), name)
			return err
		}, jobsAtMostOnce},
		{"PauseSchedule", scheduled, func(t rig, name string) error {
			_, err := t.q.PauseSchedule(t.Context(), name, true)
			return err
		}, func(t rig, name string, err error) {
			if s, getErr := t.q.Schedule(t.Context(), name, time.Now()); getErr != nil || err == nil && !s.Paused {
				t.Errorf("the schedule is paused: %t (%v)", s.Paused, getErr)
			}
		}},
		{"StoreResult", none, func(t rig, _ string) error { return t.q.StoreResult(t.Context(), "J", []byte("a")) }, func(t rig, _ string, err error) {
			if got, readErr := readAll(t.Context(), t.q, found("", []byte("a"))); err == nil && string(got) != "a" {
				t.Errorf("the result is %q, %v", got, readErr)
			}
		}},
	}
}

func scheduled(t rig) string {
	if err := t.q.AddSchedule(t.Context(), daily("morning")); err != nil {
		t.Fatal(err)
	}
	return "morning"
}

// Each command of each call may be cut off, delayed, repeated, or lose its answer: the call does its work once, or returns
// an error. Clients repeat all but pipelines that a busy server refuses.
func TestEachCommandOfACallMayFail(t *testing.T) {
	t.Parallel()
	breakEach(t, operations())
}

// breakEach makes each command of each call fail in each way, one at a time.
func breakEach(t *testing.T, all []operation) {
	t.Helper()
	for _, op := range all {
		for _, broken := range redistest.Faults() {
			t.Run(fmt.Sprint(op.name, " ", broken), func(t *testing.T) {
				t.Parallel()
				rdb, socket := embedded(t)
				for n, more := 0, true; more; n++ {
					if err := rdb.FlushAll(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
					sound := rig{t, rdb, newQueue(t, rdb), socket}
					arg := op.prepare(sound)
					faulty, proxy := sound.proxied(redistest.Patient)
					faulty.rdb = proxy.Client(redistest.Patient)
					seen := proxy.BreakOne(n, broken)
					err := op.call(faulty, arg)
					if err != nil && broken != redistest.Busy {
						t.Errorf("command %d: %v", n, err)
					}
					op.check(sound, arg, err)
					more = seen()
				}
			})
		}
	}
}
