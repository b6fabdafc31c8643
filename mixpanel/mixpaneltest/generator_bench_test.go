package mixpaneltest_test

import (
	"testing"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func BenchmarkGenerator(b *testing.B) {
	g := mixpaneltest.Generator{Seed: 1, EventsPerDay: b.N}
	bytes := 0
	for line, err := range g.Lines(day.New(2025, 3, 1), mixpaneltest.Format{}) {
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(line)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(bytes)/float64(b.N), "bytes/line")
}
