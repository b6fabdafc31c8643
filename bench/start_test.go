package bench_test

import (
	"testing"
	"time"
)

// BenchmarkStart measures how soon an idle worker has a job: from before its submission to the worker's claim, over
// the socket of the embedded queue and over that of a real Redis.
func BenchmarkStart(b *testing.B) {
	const samples = 40
	m := startMixpanel(b)
	for _, t := range []team{{embedded: true, workers: 1, slots: 4}, {workers: 1, slots: 4}} {
		b.Run(t.String(), func(b *testing.B) {
			s := newSite(b, t, m)
			var took []float64
			for b.Loop() {
				for i := range samples {
					began := time.Now()
					job, err := s.submit(b.Context(), refusal(i), "main/start.db", i)
					if err != nil {
						b.Fatal(err)
					}
					await(b, "the job has ended", time.Minute, func() bool {
						if job, err = s.queue.Job(b.Context(), job.ID); err != nil {
							b.Fatal(err)
						}
						return job.State.Final()
					})
					took = append(took, millis(job.StartedAt.Sub(began)))
				}
			}
			b.ReportMetric(median(took), "ms")
			report("enqueue to start, idle worker, p50 and p95 (bar: p50 ≤ 60 ms)", "%.0f ms, %.0f ms", median(took), percentile(took, 95))
		})
	}
}
