package jobstest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// Workers make these calls while they run, and again a minute later. So the test repeats a failed call.
func TestEachCommandOfAWorkersCallMayFail(t *testing.T) {
	t.Parallel()
	breakEach(t, slices.Concat(publishing(), firing(), reporting(), budgeting()))
}

// publishing returns the calls with which a worker publishes its configuration.
func publishing() []operation {
	projects := []jobs.ProjectInfo{{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}}
	publish := func(again bool) func(jobstest.Rig, string) error {
		return func(t jobstest.Rig, _ string) error {
			p, err := schedule.NewStore(t.Q).Publish(t.Context(), "w1", []jobs.Schedule{jobstest.Daily("evening"), jobstest.Daily("morning")}, again)
			if p.Refused != nil {
				t.Errorf("refused: %v", p.Refused)
			}
			return err
		}
	}
	published := func(again bool, want ...string) func(jobstest.Rig, string, error) {
		return func(t jobstest.Rig, _ string, err error) {
			if err != nil && publish(again)(t, "") != nil {
				t.Errorf("a second call fails after %v", err)
			}
			jobstest.WantSchedules(t, want...)
		}
	}
	return []operation{
		{"PublishSchedules", func(t jobstest.Rig) string {
			jobstest.PublishFile(t, "w1", jobstest.Daily("morning"), jobstest.Daily("outdated"))
			return ""
		}, publish(false), published(false, "evening", "morning")},
		{"PublishSchedules again", func(t jobstest.Rig) string {
			jobstest.PublishFile(t, "w1", jobstest.Daily("evening"), jobstest.Daily("morning"))
			if err := schedule.NewStore(t.Q).Remove(t.Context(), "morning"); err != nil {
				t.Fatal(err)
			}
			return ""
		}, publish(true), published(true, "evening")},
		{"PublishProjects", none, func(t jobstest.Rig, _ string) error {
			return t.Q.PublishProjects(t.Context(), "w1", projects)
		}, func(t jobstest.Rig, _ string, err error) {
			got, listErr := t.Q.Projects(t.Context())
			if diff := cmp.Diff(projects, got); listErr != nil || err == nil && diff != "" {
				t.Errorf("projects: %v (-want +got):\n%s", listErr, diff)
			}
		}},
	}
}

// firing returns the calls with which schedules make jobs.
func firing() []operation {
	fireOnce := func(t jobstest.Rig, name string) error {
		tick, now := jobstest.TickAt(22)
		s, err := schedule.NewStore(t.Q).Get(t.Context(), name, now)
		if err != nil {
			return err
		}
		_, _, err = schedule.NewStore(t.Q).Fire(t.Context(), s, tick, now)
		return err
	}
	follow := func(t jobstest.Rig, name string) error {
		_, now := jobstest.TickAt(22)
		s, err := schedule.NewStore(t.Q).Get(t.Context(), name, now)
		if err != nil {
			return err
		}
		_, err = schedule.NewStore(t.Q).FollowUp(t.Context(), s, now)
		return err
	}
	// made checks that there are n jobs, one of them in the lane, after the scheduler has run again.
	made := func(n int, again func(jobstest.Rig, string) error) func(jobstest.Rig, string, error) {
		return func(t jobstest.Rig, name string, err error) {
			if err := errors.Join(again(t, name), schedule.NewStore(t.Q).Arrivals(t.Context())); err != nil {
				t.Fatal(err)
			}
			all, listErr := t.Q.List(t.Context(), queue.Filter{})
			lanes, lanesErr := t.Q.Lanes(t.Context())
			if failed := errors.Join(listErr, lanesErr); failed != nil || len(all) != n || len(lanes) != 1 {
				t.Fatalf("%d jobs in %d lanes (%v) after %v; want %d in 1", len(all), len(lanes), failed, err, n)
			}
			if l := lanes[0]; l.Waiting+l.Aside != 0 || l.Holder == "" || jobstest.Job(t, t.Q, l.Holder).State.Final() {
				t.Errorf("the lane is %+v, want one job in it", l)
			}
			if history, err := schedule.NewStore(t.Q).History(t.Context(), name); err != nil || len(history) != 1 {
				t.Errorf("the history is %v, %v; want one tick", history, err)
			}
		}
	}
	return []operation{
		{"Fire", scheduled, fireOnce, made(1, fireOnce)},
		{"FollowUp", func(t jobstest.Rig) string {
			name := scheduled(t)
			_, first := jobstest.Fire(t, name, 22)
			jobstest.Ended(t, 3, nil, first.ID)
			return name
		}, follow, made(2, follow)},
	}
}

// reporting returns the calls with which a worker reports on its databases.
func reporting() []operation {
	lost := errors.New("1 of 31 days could not be fetched")
	report2 := func(t jobstest.Rig, _ string) error {
		return t.Q.ReportTables(t.Context(), jobstest.Attempt(2, "events"), jobs.TableReport{
			Tables: jobstest.Holds(20, "events"), Err: lost, Failing: []jobs.FailingDays{jobstest.Failing(9, 9, "503")},
		})
	}
	return []operation{{"ReportTables", func(t jobstest.Rig) string {
		jobstest.Report(t, jobstest.Attempt(1, "events"), jobs.TableReport{Tables: jobstest.Holds(10, "events"), Err: lost, Failing: []jobs.FailingDays{jobstest.Failing(4, 5, "503")}})
		return ""
	}, report2, func(t jobstest.Rig, _ string, err error) {
		if err != nil && report2(t, "") != nil {
			t.Errorf("a second call fails after %v", err)
		}
		jobstest.WantTables(t, "demo main/x.db events: 20 rows, failed: "+lost.Error()+", 2025-01-09 503")
	}}}
}

// budgeting returns the calls around a request to Mixpanel.
func budgeting() []operation {
	shared := func(t jobstest.Rig) *budget.Budget {
		return jobstest.NewBudget(t, budget.Config{PerPeriod: 54, PerSecond: 100})
	}
	spent := func(t jobstest.Rig) budget.State {
		s, err := shared(t).State(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return []operation{
		{"Acquire", none, func(t jobstest.Rig, _ string) error {
			_, err := shared(t).Acquire(t.Context(), "demo", "w1")
			return err
		}, func(t jobstest.Rig, _ string, err error) {
			if s := spent(t); s.UsedLastHour > 1 || err == nil && (s.UsedLastHour != 1 || s.AtOnce != 1) {
				t.Errorf("after %v: %+v", err, s)
			}
		}},
		{"Acquire and release", none, func(t jobstest.Rig, _ string) error {
			l, err := shared(t).Acquire(t.Context(), "demo", "w1")
			if err == nil {
				l.Release(t.Context())
			}
			return err
		}, func(t jobstest.Rig, _ string, err error) {
			if s := spent(t); s.UsedLastHour > 1 || err == nil && (s.UsedLastHour != 1 || s.AtOnce != 0) {
				t.Errorf("after %v: %+v", err, s)
			}
		}},
		{"Overrule", none, func(t jobstest.Rig, _ string) error {
			return shared(t).Overrule(t.Context(), "demo", time.Now().Add(20*time.Minute), 0)
		}, func(t jobstest.Rig, _ string, err error) {
			if s := spent(t); err == nil && s.BlockedUntil.IsZero() {
				t.Errorf("nothing is blocked: %+v", s)
			}
		}},
	}
}
