package bench_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"mixduck/internal/day"
)

// BenchmarkFetch compares the whole path, from the stand-in over loopback through the queue to committed rows, with
// what DuckDB alone needs for the same gzip file and the same table. The two alternate, so changes in the machine's
// speed favor neither. The ratio is that of the medians.
func BenchmarkFetch(b *testing.B) {
	const events, rounds = 1_000_000, 3
	e := newExport(b, 3*events)
	var ours, duckdb []float64
	var rss, rssLong int64
	for b.Loop() {
		for range rounds {
			seconds, peak := e.fetch(b, 1)
			ours = append(ours, events/seconds)
			rss = max(rss, peak)
			duckdb = append(duckdb, events/e.readNDJSON(b))
		}
		_, rssLong = e.fetch(b, 3)
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

// fetch fetches days through a new worker and returns the job's seconds and the worker's peak memory in bytes.
func (e *export) fetch(b *testing.B, days int) (seconds float64, peak int64) {
	b.Helper()
	data, err := os.MkdirTemp(e.dir, "data") //nolint:usetesting // removed after each round, for the sake of the disk
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(data)
	env := append(os.Environ(), "MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID="+exported,
		"MIXDUCK_MIXPANEL_BASE_URL="+e.url, "MIXDUCK_DATA_DIR="+data)
	worker := startWorker(b, env)
	enqueue := exec.Command(program("enqueue"), "fetch", "events", "--from", first, "--to", (firstDay(b) + day.Day(days-1)).String(),
		"--wait", "--quiet", "--format", "json")
	enqueue.Env, enqueue.Stderr = env, os.Stderr
	out, err := enqueue.Output()
	if err != nil {
		b.Fatal(err)
	}
	var job struct {
		Rows    int64   `json:"rows"`
		Seconds float64 `json:"duration_seconds"`
	}
	if err := json.Unmarshal(out, &job); err != nil || job.Rows != int64(days*perDay) {
		b.Fatalf("fetched %d rows: %v", job.Rows, err)
	}
	peak = worker.PeakMemory(b)
	worker.Terminate(b)
	return job.Seconds, peak
}
