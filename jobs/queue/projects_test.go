package queue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
)

// publish publishes the projects of a worker at a time.
func publish(t jobstest.Rig, at time.Time, worker string, projects ...jobs.ProjectInfo) *queue.Queue {
	t.Helper()
	q, err := queue.New(t.Rdb, queue.Config{Now: func() time.Time { return at }})
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
	jobstest.OnEach(t, func(t jobstest.Rig) {
		now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
		web := jobs.ProjectInfo{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}
		app := jobs.ProjectInfo{
			Name: "app", ID: 2, Zone: "America/Los_Angeles", Shifted: true, Database: "eu/app.db",
			Tables: []jobs.TableInfo{{Name: "signups", Events: []string{"Sign Up"}, Where: "true", Promote: "plan"}},
		}
		renamed := app
		renamed.Name = "mobile"
		projects := func(what string, q *queue.Queue, want ...jobs.ProjectInfo) {
			t.Helper()
			got, err := q.Projects(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		projects("nothing was said", t.Q)
		publish(t, now, "a", web, app)
		projects("by one worker", publish(t, now.Add(time.Hour), "b"), app, web)
		projects("the newest counts", publish(t, now.Add(2*time.Hour), "b", renamed), renamed, web)
		projects("a worker says it anew", publish(t, now.Add(3*time.Hour), "b", web), app, web)
		projects("who died a day ago counts", publish(t, now.Add(25*time.Hour), "b"), app, web)
		projects("who died long ago does not", publish(t, now.Add(8*24*time.Hour), "b", web), web)
	})
}
