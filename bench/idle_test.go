package bench_test

import (
	"testing"
	"time"
)

// idler is an idle worker.
type idler struct {
	what  string   // name in the report
	lanes []string // lanes with jobs that wait forever; if empty, there are no jobs
	from  project  // of these jobs
}

// BenchmarkIdle measures the CPU time of idle workers, all those of a queue together.
func BenchmarkIdle(b *testing.B) {
	m := startMixpanel(b)
	for _, q := range []struct {
		team   team
		idlers []idler
	}{
		{team{embedded: true, workers: 1, slots: 4}, []idler{
			{what: "idle worker with the embedded queue, of a core (bar: ≤ 3%)"},
			{"the same, 5,000 jobs wait in 50 lanes that nobody serves (bar: ≤ 3%)", names("elsewhere", "lane", 50), storing},
			{"the same, 5,000 jobs wait behind one that waits for Mixpanel (bar: ≤ 3%)", names("main", "lane", 1), silent},
		}},
		{team{workers: 1, slots: 4}, []idler{{what: "idle worker on Redis, of a core (bar: ≤ 3%)"}}},
	} {
		b.Run(q.team.String(), func(b *testing.B) { measureIdle(b, q.team, q.idlers, m) })
	}
}

func measureIdle(b *testing.B, t team, idlers []idler, m *standIn) {
	b.Helper()
	const jobs, settle, measured = 5000, 5 * time.Second, 15 * time.Second
	sites := make([]*site, len(idlers))
	for i, idler := range idlers {
		sites[i] = newSite(b, t, m)
		if n := len(idler.lanes); n > 0 {
			sites[i].fill(b, idler.lanes, jobs/n, func(int) project { return idler.from })
		}
	}
	<-time.After(settle)
	before := make([]usage, len(sites))
	for b.Loop() {
		for i, s := range sites {
			before[i] = s.used(b)
		}
		<-time.After(measured)
		for i, s := range sites {
			report(idlers[i].what, "%.1f%%", 100*float64(s.used(b).cpu-before[i].cpu)/float64(measured))
		}
	}
}
