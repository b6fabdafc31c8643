package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
)

// BenchmarkList lists the newest of 100,000 jobs in 1,000 lanes, by all that one can ask for.
func BenchmarkList(b *testing.B) {
	server := proctest.NewRedis(b)
	q := jobstest.NewQueue(b, server.Client(b))
	fill(b, q, 100_000)
	for name, f := range map[string]queue.Filter{
		"all": {}, "state": {State: jobs.StateWaiting}, "project": {Project: "demo"}, "database": {Database: "main/l1.db"},
		"database and state": {Database: "main/l1.db", State: jobs.StateWaiting},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got, err := q.List(context.Background(), f); err != nil || len(got) == 0 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
	b.Run("lanes", func(b *testing.B) {
		for b.Loop() {
			if got, err := q.Lanes(context.Background()); err != nil || len(got) != 1000 {
				b.Fatal(len(got), err)
			}
		}
	})
}

// fill submits n jobs to 1,000 lanes, and cancels each second one.
func fill(b *testing.B, q *queue.Queue, n int) {
	b.Helper()
	const parts = 16
	var all sync.WaitGroup
	for part := range parts {
		all.Go(func() {
			for i := part; i < n; i += parts {
				r, err := q.Submit(context.Background(), jobs.Request{Fetch: jobstest.Fetch(fmt.Sprintf("l%d", i%1000), "t")})
				if err == nil && i/1000%2 == 1 {
					_, err = q.Cancel(context.Background(), r.ID)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
