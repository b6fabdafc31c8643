package jobstest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// operation is a public call, and what must be true after it, whatever happened to its commands. check gets a queue
// and a client without faults; call gets a rig with faults.
type operation struct {
	name    string
	prepare func(t jobstest.Rig) string // returns what the others need, for example a job ID
	call    func(t jobstest.Rig, arg string) error
	check   func(t jobstest.Rig, arg string, err error)
}

// cancelled submits a job and cancels it.
func cancelled(t jobstest.Rig) string {
	r := jobstest.Submit(t, t.Q, "x", "a")
	if _, err := t.Q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func none(jobstest.Rig) string { return "" }

// jobsAtMostOnce checks that a call has made one job, or at most one if it returned an error.
func jobsAtMostOnce(t jobstest.Rig, _ string, err error) {
	all, listErr := t.Q.List(t.Context(), queue.Filter{})
	if listErr != nil || len(all) > 1 || err == nil && len(all) != 1 {
		t.Errorf("there are %d jobs (%v) after %v", len(all), listErr, err)
	}
}

func operations() []operation {
	request := jobs.Request{Fetch: jobstest.Fetch("x", "a")}
	return []operation{
		{"Submit", none, func(t jobstest.Rig, _ string) error {
			_, err := t.Q.Submit(t.Context(), request)
			return err
		}, jobsAtMostOnce},
		{"Submit and join", none, func(t jobstest.Rig, _ string) error {
			r := request
			r.IfBusy = jobs.IfBusyJoin
			_, err := t.Q.Submit(t.Context(), r)
			return err
		}, jobsAtMostOnce},
		{"Cancel", func(t jobstest.Rig) string { return jobstest.Submit(t, t.Q, "x", "a").ID }, func(t jobstest.Rig, id string) error {
			_, err := t.Q.Cancel(t.Context(), id)
			return err
		}, func(t jobstest.Rig, id string, err error) {
			if state := jobstest.Job(t, t.Q, id).State; err == nil && state != jobs.StateCancelled {
				t.Errorf("the job is %s", state)
			}
		}},
		{"Retry", cancelled, func(t jobstest.Rig, id string) error {
			_, err := t.Q.Retry(t.Context(), id)
			return err
		}, func(t jobstest.Rig, id string, err error) {
			if state := jobstest.Job(t, t.Q, id).State; errors.Is(err, jobs.ErrNotRetryable) || err == nil && state == jobs.StateCancelled {
				t.Errorf("the job is %s after %v", state, err)
			}
		}},
		{"AddSchedule", none, func(t jobstest.Rig, _ string) error {
			return schedule.NewStore(t.Q).Add(t.Context(), jobstest.Daily("morning"))
		}, func(t jobstest.Rig, _ string, err error) {
			all, listErr := schedule.NewStore(t.Q).List(t.Context(), time.Now())
			if errors.Is(err, schedule.ErrScheduleTaken) || listErr != nil || err == nil && len(all) != 1 {
				t.Errorf("there are %d schedules (%v) after %v", len(all), listErr, err)
			}
		}},
		{"RemoveSchedule", scheduled, func(t jobstest.Rig, name string) error { return schedule.NewStore(t.Q).Remove(t.Context(), name) }, func(t jobstest.Rig, name string, err error) {
			_, getErr := schedule.NewStore(t.Q).Get(t.Context(), name, time.Now())
			if errors.Is(err, schedule.ErrNoSchedule) || err == nil && !errors.Is(getErr, schedule.ErrNoSchedule) {
				t.Errorf("%v, and then %v", err, getErr)
			}
		}},
		{"RunSchedule", scheduled, func(t jobstest.Rig, name string) error {
			_, err := schedule.NewStore(t.Q).Run(t.Context(), name)
			return err
		}, jobsAtMostOnce},
		{"PauseSchedule", scheduled, func(t jobstest.Rig, name string) error {
			_, err := schedule.NewStore(t.Q).Pause(t.Context(), name, true)
			return err
		}, func(t jobstest.Rig, name string, err error) {
			if s, getErr := schedule.NewStore(t.Q).Get(t.Context(), name, time.Now()); getErr != nil || err == nil && !s.Paused {
				t.Errorf("the schedule is paused: %t (%v)", s.Paused, getErr)
			}
		}},
		{"StoreResult", none, func(t jobstest.Rig, _ string) error { return t.Q.StoreResult(t.Context(), "J", []byte("a")) }, func(t jobstest.Rig, _ string, err error) {
			if got, readErr := jobstest.ReadAll(t.Context(), t.Q, jobstest.Found("", []byte("a"))); err == nil && string(got) != "a" {
				t.Errorf("the result is %q, %v", got, readErr)
			}
		}},
	}
}

func scheduled(t jobstest.Rig) string {
	if err := schedule.NewStore(t.Q).Add(t.Context(), jobstest.Daily("morning")); err != nil {
		t.Fatal(err)
	}
	return "morning"
}

// Each command of each call can be interrupted, delayed, repeated, or lose its reply: the call does its work once, or
// returns an error. Clients repeat everything except pipelines that a busy server rejects.
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
				rdb, socket := jobstest.Embedded(t)
				for n, more := 0, true; more; n++ {
					if err := rdb.FlushAll(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
					sound := jobstest.Rig{t, rdb, jobstest.NewQueue(t, rdb), socket}
					arg := op.prepare(sound)
					faulty, proxy := sound.Proxied(redistest.Patient)
					faulty.Rdb = proxy.Client(redistest.Patient)
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
