package page_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/web/page"
)

// countingQueue counts lists of failed jobs.
type countingQueue struct {
	*queue.Queue
	lists atomic.Int64
}

func (q *countingQueue) List(ctx context.Context, f queue.Filter) ([]jobs.Record, error) {
	if f.State == jobs.StateFailed {
		q.lists.Add(1)
	}
	return q.Queue.List(ctx, f)
}

// Open pages with the same address share what they show; those with another one do not.
func TestOpenPagesShareTheirWork(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	q := &countingQueue{Queue: s.queue}
	s.page.Connect(page.Backend{Queue: q, Schedules: s.schedules, Sessions: s.sessions})
	user := s.user(t)
	const pages = 40
	var all sync.WaitGroup
	for range pages {
		all.Go(func() {
			if wait, _ := user.events(t, "/jobs?state=failed"); !wait("part", "No job matches.") {
				t.Error("a stream has ended")
			}
		})
	}
	all.Wait()
	if n := q.lists.Load(); n == 0 || n >= pages {
		t.Errorf("%d pages have listed jobs %d times", pages, n)
	}
	job := s.submit(t, "events")
	if wait, _ := user.events(t, "/jobs?state=queued"); !wait("part", job.ID) {
		t.Error("another address shows the same")
	}
}
