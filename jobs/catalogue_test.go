package jobs_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
)

// publish says which projects a worker knows at a time.
func publish(t rig, at time.Time, worker string, projects ...jobs.ProjectInfo) *jobs.Queue {
	t.Helper()
	q, err := jobs.NewQueue(t.rdb, jobs.Config{Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.PublishProjects(t.Context(), worker, projects); err != nil {
		t.Fatal(err)
	}
	if err := q.TidyProjects(t.Context(), worker); err != nil {
		t.Fatal(err)
	}
	return q
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
		web := jobs.ProjectInfo{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}
		app := jobs.ProjectInfo{
			Name: "app", ID: 2, Zone: "America/Los_Angeles", Shifted: true, Database: "eu/app.db",
			Tables: []jobs.TableInfo{{Name: "signups", Events: []string{"Sign Up"}, Where: "true", Promote: "plan"}},
		}
		renamed := app
		renamed.Name = "mobile"
		projects := func(what string, q *jobs.Queue, want ...jobs.ProjectInfo) {
			t.Helper()
			got, err := q.Projects(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		projects("nothing was said", t.q)
		publish(t, now, "a", web, app)
		projects("by one worker", publish(t, now.Add(time.Hour), "b"), app, web)
		projects("the newest counts", publish(t, now.Add(2*time.Hour), "b", renamed), renamed, web)
		projects("a worker says it anew", publish(t, now.Add(3*time.Hour), "b", web), app, web)
		projects("who died a day ago counts", publish(t, now.Add(25*time.Hour), "b"), app, web)
		projects("who died long ago does not", publish(t, now.Add(8*24*time.Hour), "b", web), web)
	})
}
