package bench_test

import (
	"slices"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// BenchmarkRecover kills workers with -9 and measures how soon another worker runs their jobs.
func BenchmarkRecover(b *testing.B) {
	const kills, each = 12, 8
	m := startMixpanel(b)
	s, launch := newGrowingSite(b, team{workers: 2, slots: each}, m)
	var took []float64
	for b.Loop() {
		for range kills {
			s.fill(b, names("main", "recover", each), 1, func(int) project { return silent })
			var running []jobs.Record
			await(b, "all jobs run", time.Minute, func() bool {
				running = s.running(b)
				return len(running) == each
			})
			victim := s.workers[0]
			id := s.idOf(b, victim)
			lost := slices.DeleteFunc(running, func(r jobs.Record) bool { return r.Worker != id })
			killed := time.Now()
			victim.Kill()
			await(b, "the other worker runs them", time.Minute, func() bool {
				return len(s.running(b)) == each && !slices.ContainsFunc(s.running(b), func(r jobs.Record) bool { return r.Worker == id })
			})
			for _, r := range s.running(b) {
				if slices.ContainsFunc(lost, func(l jobs.Record) bool { return l.ID == r.ID }) {
					took = append(took, r.AttemptAt.Sub(killed).Seconds())
				}
				if _, err := s.queue.Cancel(b.Context(), r.ID); err != nil {
					b.Fatal(err)
				}
			}
			await(b, "no job runs", time.Minute, func() bool { return len(s.running(b)) == 0 })
			s.workers = append(s.workers[1:], launch())
		}
	}
	p95 := percentile(took, 95)
	b.ReportMetric(p95, "s")
	bar(b, p95 <= 10, "kill -9 until another worker runs the job, p50 and p95 (bar: p95 ≤ 10 s)", "%.1f s, %.1f s", median(took), p95)
}

func (s *site) running(b *testing.B) []jobs.Record {
	b.Helper()
	all, err := s.queue.List(b.Context(), queue.Filter{State: jobs.StateRunning})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// idOf returns the ID of a worker in records.
func (s *site) idOf(b *testing.B, w *worker) string {
	b.Helper()
	all, err := s.queue.Workers(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	i := slices.IndexFunc(all, func(i jobs.WorkerInfo) bool { return i.PID == w.PID() })
	if i < 0 {
		b.Fatalf("worker %d sends no heartbeat", w.PID())
	}
	return all[i].ID
}
