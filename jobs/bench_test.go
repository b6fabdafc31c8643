package jobs_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"mixduck/jobs"
)

// onServer returns a queue on a real Redis.
func onServer(b *testing.B) (*server, *jobs.Queue) {
	b.Helper()
	s := newServer(b)
	s.start()
	return s, newQueue(b, s.client())
}

func reportMedian(b *testing.B, unit string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-"+unit)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-"+unit)
}

// BenchmarkEnqueueToStart measures how soon an idle worker has a job.
func BenchmarkEnqueueToStart(b *testing.B) {
	_, q := onServer(b)
	began := make(chan struct{})
	startWorker(b, q, jobs.WorkerConfig{}, func(context.Context, *jobs.Attempt) error {
		began <- struct{}{}
		return nil
	})
	var took []time.Duration
	for b.Loop() {
		at := time.Now()
		r := submit(b, q, "x", "a")
		<-began
		took = append(took, time.Since(at))
		awaitState(b, q, r.ID, jobs.StateDone)
	}
	reportMedian(b, "ms", took)
}

// BenchmarkLanes runs 50 lanes of 20 jobs of 50 ms on two workers of 8 attempts, and compares with the ideal.
func BenchmarkLanes(b *testing.B) {
	_, q := onServer(b)
	const lanes, each, takes, slots = 50, 20, 50 * time.Millisecond, 16
	var done sync.WaitGroup
	run := func(context.Context, *jobs.Attempt) error {
		<-time.After(takes)
		done.Done()
		return nil
	}
	startWorker(b, q, jobs.WorkerConfig{ID: "a", Concurrency: slots / 2}, run)
	startWorker(b, q, jobs.WorkerConfig{ID: "b", Concurrency: slots / 2}, run)
	for b.Loop() {
		done.Add(lanes * each)
		started := time.Now()
		for i := range each {
			for lane := range lanes {
				submit(b, q, fmt.Sprintf("l%d", lane), fmt.Sprintf("t%d", i))
			}
		}
		done.Wait()
		ideal := lanes * each * takes / slots
		b.ReportMetric(float64(time.Since(started))/float64(ideal), "x-ideal")
	}
}

// BenchmarkHandOver measures how soon the next job of a lane starts when one has ended, with attempts to spare.
func BenchmarkHandOver(b *testing.B) {
	_, q := onServer(b)
	const lanes, each = 8, 20
	var mu sync.Mutex
	ended := map[string]time.Time{}
	var gaps []time.Duration
	var done sync.WaitGroup
	startWorker(b, q, jobs.WorkerConfig{Concurrency: 2 * lanes}, func(_ context.Context, a *jobs.Attempt) error {
		mu.Lock()
		if last, ok := ended[a.Record.Fetch.Database]; ok {
			gaps = append(gaps, time.Since(last))
		}
		mu.Unlock()
		<-time.After(50 * time.Millisecond)
		mu.Lock()
		ended[a.Record.Fetch.Database] = time.Now()
		mu.Unlock()
		done.Done()
		return nil
	})
	for b.Loop() {
		done.Add(lanes * each)
		clear(ended)
		for i := range each {
			for lane := range lanes {
				submit(b, q, fmt.Sprintf("l%d", lane), fmt.Sprintf("t%d", i))
			}
		}
		done.Wait()
	}
	reportMedian(b, "ms", gaps)
}

// BenchmarkIdle measures the CPU that a worker takes which has nothing to do: beside a Redis, and with its own.
func BenchmarkIdle(b *testing.B) {
	idle := func(b *testing.B, q *jobs.Queue) {
		b.Helper()
		startWorker(b, q, jobs.WorkerConfig{}, func(context.Context, *jobs.Attempt) error { return nil })
		for b.Loop() {
			before, at := cpu(b), time.Now()
			<-time.After(5 * time.Second)
			b.ReportMetric(100*float64(cpu(b)-before)/float64(time.Since(at)), "%cpu")
		}
	}
	b.Run("server", func(b *testing.B) {
		_, q := onServer(b)
		idle(b, q)
	})
	b.Run("embedded", func(b *testing.B) { idle(b, newQueue(b, embedded(b))) })
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkList lists the newest of 100,000 jobs in 1,000 lanes, by all that one can ask for.
func BenchmarkList(b *testing.B) {
	_, q := onServer(b)
	fill(b, q, 100_000)
	for name, f := range map[string]jobs.Filter{
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
func fill(b *testing.B, q *jobs.Queue, n int) {
	b.Helper()
	const parts = 16
	var all sync.WaitGroup
	for part := range parts {
		all.Go(func() {
			for i := part; i < n; i += parts {
				r, err := q.Submit(context.Background(), jobs.Request{Fetch: fetch(fmt.Sprintf("l%d", i%1000), "t")})
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
