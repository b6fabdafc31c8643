package bench_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// BenchmarkSchedules has one worker with ten thousand schedules for as many databases, which all fire at the same
// minute. The volume of the databases is not served, so it only measures the queue.
func BenchmarkSchedules(b *testing.B) {
	const (
		schedules = 10_000
		settle    = 10 * time.Second
		idle      = 20 * time.Second
	)
	s := newSite(b, team{workers: 1, slots: 4}, startMixpanel(b))
	for b.Loop() {
		empty := s.redis.memory(b)
		tick := time.Now().Add(2 * time.Minute).Truncate(time.Minute).UTC()
		addSchedules(b, s.queue, schedules, tick)
		each := float64(s.redis.memory(b)-empty) / schedules
		bar(b, each <= 3<<10, "memory of Redis for a schedule (bar: ≤ 3 KiB)", "%.0f bytes", each)
		<-time.After(settle)
		used := s.use(b, func() { <-time.After(idle) })
		share := 100 * used.cpu.Seconds() / used.took.Seconds()
		bar(b, share <= 5, "idle worker with 10,000 schedules, of a core (bar: ≤ 5%)", "%.1f%%, %.0f commands/s", share, float64(used.commands)/used.took.Seconds())
		<-time.After(time.Until(tick))
		fired := s.use(b, func() {
			await(b, "all jobs are queued", 5*time.Minute, func() bool { return s.queued(b) == schedules })
		})
		took := time.Since(tick).Seconds()
		bar(b, took <= 20, "10,000 schedules of one minute until all jobs are queued (bar: ≤ 20 s)", "%.1f s, %.1f s of the worker's CPU", took, fired.cpu.Seconds())
		each = float64(s.redis.memory(b)-empty)/schedules - each
		bar(b, each <= 3<<10, "memory of Redis for a job of a schedule (bar: ≤ 3 KiB)", "%.0f bytes", each)
		used = s.use(b, func() { <-time.After(idle) })
		report("the worker while the 10,000 jobs wait for another one, of a core", "%.1f%%", 100*used.cpu.Seconds()/used.took.Seconds())
	}
}

func addSchedules(b *testing.B, q *queue.Queue, n int, tick time.Time) {
	b.Helper()
	store := schedule.NewStore(q)
	group, ctx := errgroup.WithContext(context.WithoutCancel(b.Context()))
	group.SetLimit(8)
	for i := range n {
		group.Go(func() error {
			return store.Add(ctx, jobs.Schedule{
				Name: fmt.Sprintf("daily-%d", i), Project: storing.String(), ProjectZone: "UTC", Database: fmt.Sprintf("elsewhere/%d.db", i),
				Cron: fmt.Sprintf("%d %d * * *", tick.Minute(), tick.Hour()), Start: day.Of(tick) - 30, Lookback: 5,
			})
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// queued returns the number of jobs that wait for a worker.
func (s *site) queued(b *testing.B) int {
	b.Helper()
	n, err := s.redis.client.ZCard(b.Context(), "mixduck:{jobs}:state:queued").Result()
	if err != nil {
		b.Fatal(err)
	}
	return int(n)
}

// memory returns the bytes that the data of the server takes.
func (s *redisServer) memory(b *testing.B) int64 {
	b.Helper()
	info, err := s.client.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	text, _, _ := strings.Cut(rest, "\r\n")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
