package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
)

// BenchmarkList lists the newest of 100,000 jobs in 1,000 lanes with every filter, and old jobs.
func BenchmarkList(b *testing.B) {
	benchmarkList(b, proctest.NewRedis(b).Client(b), 100_000)
}

// BenchmarkListEmbedded does this on the embedded queue, with 20,000 jobs.
func BenchmarkListEmbedded(b *testing.B) {
	rdb, _ := jobstest.Embedded(b)
	benchmarkList(b, rdb, 20_000)
}

func benchmarkList(b *testing.B, rdb redis.UniversalClient, n int) {
	b.Helper()
	q := jobstest.NewQueue(b, rdb)
	old := fill(b, q, n)
	edit, err := q.Submit(context.Background(), jobs.Request{
		Kind: jobs.KindEdit, Edit: jobs.Edit{Database: "main/edited.db", Action: jobs.ActionCompact},
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name   string
		filter queue.Filter
		want   int
	}{
		{"all", queue.Filter{}, 100},
		{"state", queue.Filter{State: jobs.StateWaiting}, 100},
		{"project", queue.Filter{Project: "demo"}, 100},
		{"database", queue.Filter{Database: "main/l1.db"}, n / 1000},
		{"database and state", queue.Filter{Database: "main/l1.db", State: jobs.StateWaiting}, n/2000 - 1},
		{"page 50", queue.Filter{Before: old}, 100},
		{"page 50 of a state", queue.Filter{Before: old, State: jobs.StateCancelled}, 100},
		{"kind", queue.Filter{Kind: jobs.KindFetch}, 100},
		{"rare kind", queue.Filter{Kind: jobs.KindEdit}, 1},
		{"rare kind, then none", queue.Filter{Kind: jobs.KindEdit, Before: edit.ID}, 0},
		{"kind and state, none", queue.Filter{Kind: jobs.KindEdit, State: jobs.StateCancelled}, 0},
		{"project and state, none", queue.Filter{Project: "demo", State: jobs.StateFailed}, 0},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if got, err := q.List(context.Background(), bench.filter); err != nil || len(got) != min(100, bench.want) {
					b.Fatal(len(got), err)
				}
			}
		})
	}
	b.Run("lanes", func(b *testing.B) {
		for b.Loop() {
			if got, err := q.Lanes(context.Background()); err != nil || len(got) != 1001 {
				b.Fatal(len(got), err)
			}
		}
	})
}

// fill submits n jobs to 1,000 lanes, and cancels every second one. It returns the ID of a job with a quarter of the
// jobs before it.
func fill(b *testing.B, q *queue.Queue, n int) (old string) {
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
				if i == n/4 {
					old = r.ID
				}
			}
		})
	}
	all.Wait()
	return old
}

// BenchmarkDays reads the day maps of one table and of 20 tables, of five years each.
func BenchmarkDays(b *testing.B) {
	q := jobstest.NewQueue(b, proctest.NewRedis(b).Client(b))
	var days jobs.Days
	for i := range 1826 {
		days = append(days, jobs.StoredDay{Day: day.New(2021, 1, 1) + day.Day(i), State: jobs.DayComplete, Rows: int64(60_000 + 13*i)})
	}
	var databases []string
	for i := range 20 {
		name := fmt.Sprintf("main/%d.db", i)
		databases = append(databases, name)
		if err := q.Engine().WriteDays(b.Context(), name, 1, jobs.DayReport{All: true, Tables: map[string]jobs.Days{"events": days}}); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d bytes per table", len(days.String()))
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			if got, err := q.Days(b.Context(), databases[0], "events"); err != nil || len(got) != len(days) {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("20 tables", func(b *testing.B) {
		for b.Loop() {
			if got, err := q.AllDays(b.Context(), databases); err != nil || len(got) != len(databases) {
				b.Fatal(len(got), err)
			}
		}
	})
}
