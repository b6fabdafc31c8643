package bench_test

import (
	"testing"
	"time"
)

// BenchmarkIdle measures the processor time of workers that have nothing to do, all at once: alone, and with jobs that
// wait for what does not come.
func BenchmarkIdle(b *testing.B) {
	const waiting, settles, measured = 5000, 5 * time.Second, 20 * time.Second
	m := startMixpanel(b)
	onEmbedded := team{embedded: true, workers: 1, slots: 4}
	sites := []struct {
		what  string
		team  team
		lanes []string
		from  project
		*site
	}{
		{"idle worker on Redis, of a core (bar: ≤ 3%)", team{workers: 1, slots: 4}, nil, 0, nil},
		{"idle worker with the embedded queue (bar: ≤ 3%)", onEmbedded, nil, 0, nil},
		{"the same, 5,000 jobs wait in 50 lanes that nobody serves (bar: ≤ 3%)", onEmbedded, names("elsewhere", "lane", 50), storing, nil},
		{"the same, 5,000 jobs wait behind one that waits for Mixpanel (bar: ≤ 3%)", onEmbedded, names("main", "lane", 1), silent, nil},
	}
	for i, at := range sites {
		sites[i].site = newSite(b, at.team, m)
		if at.lanes != nil {
			sites[i].fill(b, at.lanes, waiting/len(at.lanes), func(int) project { return at.from })
		}
	}
	<-time.After(settles)
	before := make([]usage, len(sites))
	for b.Loop() {
		for i, at := range sites {
			before[i] = at.used(b)
		}
		<-time.After(measured)
		for i, at := range sites {
			used := at.used(b).cpu - before[i].cpu
			report(at.what, "%.1f%%", 100*float64(used)/float64(measured))
		}
	}
}
