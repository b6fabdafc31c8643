package bench_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// BenchmarkFetch compares the whole path, from the stand-in over loopback through the queue to committed rows, with what
// DuckDB alone needs for the same gzip file and the same table. The two take turns, so that a machine whose speed drifts
// does not favour either; the ratio is that of the medians.
func BenchmarkFetch(b *testing.B) {
	const events, rounds = 1_000_000, 3
	bench := newBench(b, 3*events)
	var ours, duckdb []float64
	var rss, rssLong int64
	for b.Loop() {
		for range rounds {
			seconds, peak := bench.fetch(b, 1)
			ours = append(ours, events/seconds)
			rss = max(rss, peak)
			duckdb = append(duckdb, events/bench.readNDJSON(b))
		}
		_, rssLong = bench.fetch(b, 3)
	}
	a, d := median(ours), median(duckdb)
	b.ReportMetric(a, "events/s")
	b.ReportMetric(a/d, "ratio")
	report("fetch of 1M events over loopback, gzip, to committed rows", "%.0f events/s", a)
	report("DuckDB's read_ndjson of the same file into the same table", "%.0f events/s", d)
	report("ratio (bar: ≥ 0.8)", "%.2f", a/d)
	report("worker's peak RSS, 1M events (bar: ≤ 768 MB)", "%d MB", rss/1e6)
	report("worker's peak RSS, a range three times as long (flat)", "%d MB", rssLong/1e6)
}

// BenchmarkDay compares loading a day into an empty file with loading it into one of 20M rows.
func BenchmarkDay(b *testing.B) {
	const events, others, rounds = 1_000_000, 20, 3
	bench := newBench(b, events)
	var empty, full []float64
	for b.Loop() {
		big := filepath.Join(b.TempDir(), "big.db")
		bench.grow(b, big, others)
		for range rounds {
			empty = append(empty, bench.load(b, filepath.Join(b.TempDir(), "empty.db")))
			full = append(full, bench.load(b, big))
		}
	}
	e, f := median(empty), median(full)
	b.ReportMetric(f/e, "ratio")
	report("1M events of a day into an empty file", "%.2f s", e)
	report("the same into a file of 20M rows", "%.2f s", f)
	report("ratio (bar: ≤ 1.3)", "%.2f", f/e)
}

func report(what, format string, args ...any) {
	fmt.Printf("  %-62s %s\n", what, fmt.Sprintf(format, args...))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
