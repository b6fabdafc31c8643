package bench_test

import (
	"slices"
	"testing"
	"time"

	"mixduck/jobs/queue"
)

// teams are the workers of each queue in benchmarks of lanes: sixteen slots in both cases.
func teams() []team {
	return []team{{embedded: true, workers: 1, slots: 16}, {workers: 2, slots: 8}}
}

// BenchmarkLanes runs three times as many lanes as slots and compares with the ideal, see [cost.ideal]. It begins with
// jobs that Mixpanel rejects after 150 ms: they wait without load, so slots are the limit and the cost of the queue
// shows. Then it runs fetches that load a day, of which the cores can handle fewer than there are slots.
func BenchmarkLanes(b *testing.B) {
	const lanes, each, eachLoads = 50, 20, 4
	m := startMixpanel(b)
	refused := m.measure(b, each, refusal)
	loaded := m.measure(b, eachLoads, onlyStoring)
	for _, t := range teams() {
		b.Run(t.String(), func(b *testing.B) {
			s := newSite(b, t, m)
			var r round
			for b.Loop() {
				r = s.run(b, names("main", "lane", lanes), each, refusal)
			}
			slots := t.workers * t.slots
			b.ReportMetric(r.ratio(refused, slots), "x-ideal")
			report("50 lanes of 20 jobs that are refused after 150 ms: makespan, ideal", "%.2f s, %.2f s", r.took.Seconds(), refused.ideal(r.jobs, slots).Seconds())
			report("ratio (bar: ≤ 1.5)", "%.2f", r.ratio(refused, slots))
			report("a slot between two jobs, mean", "%.0f ms", r.idle(slots))
			report("hand-over in a lane, p50 and p95; ideal, as three lanes share a slot", "%.0f ms, %.0f ms; %.0f ms",
				median(r.gaps), percentile(r.gaps, 95), millis(refused.wall)*(lanes-float64(slots))/float64(slots))

			r = s.run(b, names("main", "loaded", lanes), eachLoads, func(n int) project { return store(n % lanes) })
			report("50 lanes of 4 fetches that load a day: makespan, ideal", "%.2f s, %.2f s", r.took.Seconds(), loaded.ideal(r.jobs, slots).Seconds())
			report("ratio, with every core busy; a slot between two jobs, mean", "%.2f; %.0f ms", r.ratio(loaded, slots), r.idle(slots))
		})
	}
}

// BenchmarkHandOver runs few lanes of fetches with load, so each job finds a free slot when the previous one has
// ended. On Redis it also counts commands.
func BenchmarkHandOver(b *testing.B) {
	const lanes, each = 4, 15
	m := startMixpanel(b)
	from := func(n int) project { return store(n % lanes) } // a table belongs to one project
	alone := m.measure(b, each, onlyStoring)
	for _, t := range teams() {
		b.Run(t.String(), func(b *testing.B) {
			s := newSite(b, t, m)
			idle := s.use(b, func() { <-time.After(3 * time.Second) })
			var r round
			var used usage
			for b.Loop() {
				used = s.use(b, func() { r = s.run(b, names("main", "lane", lanes), each, from) })
			}
			used = used.without(idle)
			b.ReportMetric(median(r.gaps), "ms")
			report("hand-over in a lane while slots are free, p50 and p95 (bar: p50 ≤ 60 ms)", "%.0f ms, %.0f ms", median(r.gaps), percentile(r.gaps, 95))
			report("processor time of a fetch in a worker, and without a queue", "%.0f ms, %.0f ms", millis(used.cpu)/(lanes*each), millis(alone.cpu))
			if s.redis != nil {
				report("Redis commands of a fetch, those within scripts included", "%d, of which %d calls of scripts", used.commands/(lanes*each), used.scripts/(lanes*each))
			}
		})
	}
}

// round is the result of running some lanes of jobs.
type round struct {
	jobs int
	took time.Duration // from before the first submission to the end of the last job
	busy time.Duration // total run time of all jobs
	gaps []float64     // ms from the end of each job to the start of the next in its lane
}

// ratio returns the time relative to the ideal.
func (r round) ratio(alone cost, slots int) float64 {
	return float64(r.took) / float64(alone.ideal(r.jobs, slots))
}

// idle returns how long a slot had no job, in ms per job.
func (r round) idle(slots int) float64 {
	return millis(time.Duration(slots)*r.took-r.busy) / float64(r.jobs)
}

// run submits each jobs to every lane, and waits for their end. It fails if two jobs of a lane ran concurrently or out
// of order.
func (s *site) run(b *testing.B, databases []string, each int, from func(n int) project) round {
	b.Helper()
	asked, began := s.mixpanel.asked.Load(), time.Now()
	s.fill(b, databases, each, from)
	s.wait(b, asked+int64(len(databases)*each))
	var r round
	for _, database := range databases {
		all, err := s.queue.List(b.Context(), queue.Filter{Database: database, Limit: each + 1})
		if err != nil || len(all) != each {
			b.Fatalf("%d jobs of %s: %v", len(all), database, err)
		}
		slices.Reverse(all)
		for i, job := range all {
			if !job.State.Final() || job.Attempt != 1 {
				b.Fatalf("job %s is %s after %d attempts", job.ID, job.State, job.Attempt)
			}
			r.took = max(r.took, job.FinishedAt.Sub(began))
			r.jobs++
			r.busy += job.FinishedAt.Sub(job.StartedAt)
			if i == 0 {
				continue
			}
			gap := job.StartedAt.Sub(all[i-1].FinishedAt)
			if gap < 0 {
				b.Fatalf("job %s began %s before %s had ended", job.ID, -gap, all[i-1].ID)
			}
			r.gaps = append(r.gaps, millis(gap))
		}
	}
	return r
}
