package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

// outcomes returns short descriptions of the attempts of a job.
func outcomes(t jobstest.Rig, id string) (all []string) {
	t.Helper()
	attempts, err := t.Q.Attempts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attempts {
		if a.Started.IsZero() || a.Ended.Before(a.Started) {
			t.Errorf("attempt %+v ends before it starts", a)
		}
		all = append(all, fmt.Sprintf("%d %s %s %s", a.Number, a.Worker, a.Outcome, a.Message))
	}
	return all
}

func TestTheLogHasEachAttempt(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		calls := 0
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(context.Context, *jobs.Attempt) error {
			switch calls++; calls {
			case 1:
				return errors.New("no luck")
			case 2:
				return jobs.PauseUntil(time.Time{}, errors.New("no budget"))
			case 3:
				return jobs.Permanent(fault.New(fault.CodeAuth, "", "wrong secret"))
			}
			return nil
		})
		id := jobstest.Submit(t, t.Q, "x", "a").ID
		jobstest.AwaitState(t, t.Q, id, jobs.StateFailed)
		want := []string{"1 w1 retrying no luck", "2 w1 paused no budget", "2 w1 failed wrong secret"}
		if diff := cmp.Diff(want, outcomes(t, id)); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if _, err := t.Q.Retry(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		jobstest.AwaitState(t, t.Q, id, jobs.StateDone)
		if diff := cmp.Diff(append(want, "1 w1 done "), outcomes(t, id)); diff != "" {
			t.Errorf("attempts after a retry (-want +got):\n%s", diff)
		}
	})
}

func TestTheLogIsBoundedAndGoesWithItsJob(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		calls := 0
		jobstest.StartWorker(t, t.Q, worker.Config{Backoff: worker.Backoff{Base: 1, Cap: 1}}, func(_ context.Context, a *jobs.Attempt) error {
			a.ReportWindow(jobs.WindowState{Days: day.Range{From: 1, To: 2}, Phase: jobs.WindowDone})
			if calls++; calls > 25 {
				return nil
			}
			return errors.New("no luck")
		})
		r, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", "a"), MaxAttempts: 30})
		if err != nil {
			t.Fatal(err)
		}
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateDone)
		all := outcomes(t, r.ID)
		if len(all) != 20 || all[0] != "7 w1 retrying no luck" || all[19] != "26 w1 done " {
			t.Errorf("%d attempts, %q; want the last 20", len(all), all)
		}
		keys := func() []string {
			found, err := t.Rdb.Keys(t.Context(), "mixduck:*"+r.ID+"*").Result()
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		for _, key := range keys() {
			if ttl, err := t.Rdb.PTTL(t.Context(), key).Result(); err != nil || ttl <= 0 {
				t.Errorf("key %s of a job that is done stays for ever (%v)", key, err)
			}
		}
		if len(keys()) != 3 {
			t.Errorf("keys = %q, want record, attempts and windows", keys())
		}
		if err := t.Q.Engine().Records.Forget(t.Context(), r.ID, "", ""); err != nil || len(keys()) != 0 {
			t.Errorf("keys = %q after the job was forgotten (%v)", keys(), err)
		}
	})
}

func TestTheLogTellsCrashesFromShutdowns(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		block := func(ctx context.Context, _ *jobs.Attempt) error { <-ctx.Done(); return ctx.Err() }
		id := jobstest.Submit(t, t.Q, "x", "a").ID
		first := jobstest.StartWorker(t, t.Q, worker.Config{}, block)
		jobstest.AwaitState(t, t.Q, id, jobs.StateRunning)
		first.Stop()
		second := jobstest.StartWorker(t, t.Q, worker.Config{}, block)
		r := jobstest.AwaitState(t, t.Q, id, jobs.StateRunning)
		turn, _, err := t.Q.Engine().Lanes.Holder(t.Context(), r.Lane())
		if err == nil {
			err = t.Q.Engine().Rescue(t.Context(), turn)
		}
		if err != nil {
			t.Fatal(err)
		}
		second.Stop()
		got := outcomes(t, id)
		if len(got) < 2 || got[0] != "1 w1 stopped " || got[1] != "1 w1 crashed " {
			t.Errorf("attempts = %q, want one that was stopped and one that crashed", got)
		}
	})
}

func TestWindowsAreSeenWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		step := make(chan bool)
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			whole := day.Range{From: 10, To: 13}
			a.ReportWindow(jobs.WindowState{Days: day.Range{From: 1, To: 9}, Phase: jobs.WindowDone, Rows: 7, Tries: 1})
			a.ReportWindow(jobs.WindowState{Days: whole, Phase: jobs.WindowRepeating, Tries: 1, Error: "too\nlong"})
			<-step
			first, second := whole.Halves()
			a.ReportWindow(jobs.WindowState{Days: first, Phase: jobs.WindowDone, Tries: 1})
			a.ReportWindow(jobs.WindowState{Days: second, Phase: jobs.WindowFailed, Tries: 2})
			return errors.New("no luck")
		})
		r, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", "a"), MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		seen := func(want ...string) func() bool {
			return func() bool {
				windows, err := t.Q.Windows(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, w := range windows {
					got = append(got, fmt.Sprintf("%d-%d %s %d %s", w.Days.From, w.Days.To, w.Phase, w.Tries, w.Error))
				}
				return cmp.Equal(want, got)
			}
		}
		jobstest.Eventually(t, "the windows are seen", seen("1-9 done 1 ", "10-13 repeating 1 too long"))
		close(step)
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateFailed)
		if !seen("1-9 done 1 ", "10-11 done 1 ", "12-13 failed 2 ")() {
			got, err := t.Q.Windows(t.Context(), r.ID)
			t.Errorf("windows after the end = %+v, %v", got, err)
		}
	})
}

func TestDaysAreSeenWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		stored := jobs.Days{{Day: 1, State: jobs.DayComplete, Rows: 7}}
		end := make(chan bool)
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			a.ReportDays("a", nil)
			a.ReportDays("a", stored)
			<-end
			a.ReportDays("b", stored)
			return nil
		})
		r := jobstest.Submit(t, t.Q, "x", "a")
		seen := func(table string) func() bool {
			return func() bool {
				days, err := t.Q.Days(t.Context(), r.Database, table)
				if err != nil {
					t.Fatal(err)
				}
				return cmp.Equal(stored, days)
			}
		}
		jobstest.Eventually(t, "the days are seen", seen("a"))
		close(end)
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateDone)
		if !seen("b")() {
			t.Error("the last report of an attempt was not written")
		}
	})
}
