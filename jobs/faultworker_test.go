package jobs_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
)

// Workers make these calls while they run, and again a minute later. So a call that failed is made once more.
func TestEachCommandOfAWorkersCallMayFail(t *testing.T) {
	t.Parallel()
	breakEach(t, slices.Concat(publishing(), firing(), reporting(), budgeting()))
}

// publishing are the calls with which a worker says what its configuration holds.
func publishing() []operation {
	projects := []jobs.ProjectInfo{{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}}
	publish := func(again bool) func(rig, string) error {
		return func(t rig, _ string) error {
			p, err := t.q.PublishSchedules(t.Context(), "w1", []jobs.Schedule{daily("evening"), daily("morning")}, again)
			if p.Refused != nil {
				t.Errorf("refused: %v", p.Refused)
			}
			return err
		}
	}
	published := func(again bool, want ...string) func(rig, string, error) {
		return func(t rig, _ string, err error) {
			if err != nil && publish(again)(t, "") != nil {
				t.Errorf("a second call fails after %v", err)
			}
			wantSchedules(t, want...)
		}
	}
	return []operation{
		{"PublishSchedules", func(t rig) string {
			publishFile(t, "w1", daily("morning"), daily("outdated"))
			return ""
		}, publish(false), published(false, "evening", "morning")},
		{"PublishSchedules again", func(t rig) string {
			publishFile(t, "w1", daily("evening"), daily("morning"))
			if err := t.q.RemoveSchedule(t.Context(), "morning"); err != nil {
				t.Fatal(err)
			}
			return ""
		}, publish(true), published(true, "evening")},
		{"PublishProjects", none, func(t rig, _ string) error {
			return t.q.PublishProjects(t.Context(), "w1", projects)
		}, func(t rig, _ string, err error) {
			got, listErr := t.q.Projects(t.Context())
			if diff := cmp.Diff(projects, got); listErr != nil || err == nil && diff != "" {
				t.Errorf("projects: %v (-want +got):\n%s", listErr, diff)
			}
		}},
	}
}

// firing are the calls with which schedules make jobs.
func firing() []operation {
	fireOnce := func(t rig, name string) error {
		tick, now := tickAt(22)
		s, err := t.q.Schedule(t.Context(), name, now)
		if err != nil {
			return err
		}
		_, _, err = t.q.Fire(t.Context(), s, tick, now)
		return err
	}
	follow := func(t rig, name string) error {
		_, now := tickAt(22)
		s, err := t.q.Schedule(t.Context(), name, now)
		if err != nil {
			return err
		}
		_, err = t.q.FollowUp(t.Context(), s, now)
		return err
	}
	// made checks that there are n jobs, one of them in the lane, once the scheduler has come by again.
	made := func(n int, again func(rig, string) error) func(rig, string, error) {
		return func(t rig, name string, err error) {
			if err := errors.Join(again(t, name), t.q.Arrivals(t.Context())); err != nil {
				t.Fatal(err)
			}
			all, listErr := t.q.List(t.Context(), jobs.Filter{})
			lanes, lanesErr := t.q.Lanes(t.Context())
			if failed := errors.Join(listErr, lanesErr); failed != nil || len(all) != n || len(lanes) != 1 {
				t.Fatalf("%d jobs in %d lanes (%v) after %v; want %d in 1", len(all), len(lanes), failed, err, n)
			}
			if l := lanes[0]; l.Waiting+l.Aside != 0 || l.Holder == "" || job(t, t.q, l.Holder).State.Final() {
				t.Errorf("the lane is %+v, want one job in it", l)
			}
			if history, err := t.q.ScheduleHistory(t.Context(), name); err != nil || len(history) != 1 {
				t.Errorf("the history is %v, %v; want one tick", history, err)
			}
		}
	}
	return []operation{
		{"Fire", scheduled, fireOnce, made(1, fireOnce)},
		{"FollowUp", func(t rig) string {
			name := scheduled(t)
			_, first := fire(t, name, 22)
			ended(t, 3, nil, first.ID)
			return name
		}, follow, made(2, follow)},
	}
}

// reporting is what a worker says of its databases.
func reporting() []operation {
	lost := errors.New("1 of 31 days could not be fetched")
	report2 := func(t rig, _ string) error {
		return t.q.ReportTables(t.Context(), attempt(2, "events"), jobs.TableReport{
			Tables: holds(20, "events"), Err: lost, Failing: []jobs.FailingDays{failing(9, 9, "503")},
		})
	}
	return []operation{{"ReportTables", func(t rig) string {
		report(t, attempt(1, "events"), jobs.TableReport{Tables: holds(10, "events"), Err: lost, Failing: []jobs.FailingDays{failing(4, 5, "503")}})
		return ""
	}, report2, func(t rig, _ string, err error) {
		if err != nil && report2(t, "") != nil {
			t.Errorf("a second call fails after %v", err)
		}
		wantTables(t, "demo main/x.db events: 20 rows, failed: "+lost.Error()+", 2025-01-09 503")
	}}}
}

// budgeting are the calls around a request to Mixpanel.
func budgeting() []operation {
	budget := func(t rig) *jobs.Budget { return newBudget(t, jobs.BudgetConfig{PerHour: 54, PerSecond: 100}) }
	spent := func(t rig) jobs.BudgetState {
		s, err := budget(t).State(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return []operation{
		{"Acquire", none, func(t rig, _ string) error {
			_, err := budget(t).Acquire(t.Context(), "demo", "w1")
			return err
		}, func(t rig, _ string, err error) {
			if s := spent(t); s.UsedLastHour > 1 || err == nil && (s.UsedLastHour != 1 || s.AtOnce != 1) {
				t.Errorf("after %v: %+v", err, s)
			}
		}},
		{"Acquire and release", none, func(t rig, _ string) error {
			l, err := budget(t).Acquire(t.Context(), "demo", "w1")
			if err == nil {
				l.Release(t.Context())
			}
			return err
		}, func(t rig, _ string, err error) {
			if s := spent(t); s.UsedLastHour > 1 || err == nil && (s.UsedLastHour != 1 || s.AtOnce != 0) {
				t.Errorf("after %v: %+v", err, s)
			}
		}},
		{"Overrule", none, func(t rig, _ string) error {
			return budget(t).Overrule(t.Context(), "demo", time.Now().Add(20*time.Minute), 0)
		}, func(t rig, _ string, err error) {
			if s := spent(t); err == nil && s.BlockedUntil.IsZero() {
				t.Errorf("nothing is blocked: %+v", s)
			}
		}},
	}
}
