package bench_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mixduck/internal/day"
)

// BenchmarkFetch compares the whole path, from the stand-in over loopback through the queue to committed rows, with
// what DuckDB alone needs for the same gzip file and the same table. The two alternate, so changes in the machine's
// speed favor neither. The ratio is that of the medians.
func BenchmarkFetch(b *testing.B) {
	const events, rounds = 1_000_000, 3
	e := newExport(b, 3*events)
	var ours, duckdb, workerCPU, mpCPU, duckdbCPU []float64
	var rss, rssLong int64
	for b.Loop() {
		for range rounds {
			f := e.fetch(b, 1)
			ours, workerCPU = append(ours, events/f.seconds), append(workerCPU, f.cpu.Seconds())
			rss = max(rss, f.peak)
			mpCPU = append(mpCPU, e.fetchDirectly(b).Seconds())
			before := ownCPU(b)
			duckdb = append(duckdb, events/e.readNDJSON(b))
			duckdbCPU = append(duckdbCPU, (ownCPU(b) - before).Seconds())
		}
		rssLong = e.fetch(b, 3).peak
	}
	a, d := median(ours), median(duckdb)
	b.ReportMetric(a, "events/s")
	b.ReportMetric(a/d, "ratio")
	report("fetch of 1M events over loopback, gzip, to committed rows", "%.0f events/s", a)
	report("DuckDB's read_ndjson of the same file into the same table", "%.0f events/s", d)
	report("ratio (bar: ≥ 0.8)", "%.2f", a/d)
	report("processor time of 1M events: mp, worker with enqueue, read_ndjson", "%.1f s, %.1f s, %.1f s", median(mpCPU), median(workerCPU), median(duckdbCPU))
	bar(b, median(mpCPU) <= median(duckdbCPU), "mp's processor time, of read_ndjson's (bar: ≤ 1.0)", "%.2f", median(mpCPU)/median(duckdbCPU))
	bar(b, median(workerCPU) <= 1.1*median(duckdbCPU), "the same of worker and enqueue (bar: ≤ 1.1)", "%.2f", median(workerCPU)/median(duckdbCPU))
	report("worker's peak RSS, 1M events (bar: ≤ 768 MB)", "%d MB", rss/1e6)
	report("worker's peak RSS, a range three times as long (flat)", "%d MB", rssLong/1e6)
}

// fetched is what a fetch took.
type fetched struct {
	seconds float64       // of the job
	cpu     time.Duration // of worker and enqueue
	peak    int64         // memory of the worker, in bytes
}

// fetch fetches days through a new worker.
func (e *export) fetch(b *testing.B, days int) fetched {
	b.Helper()
	data, err := os.MkdirTemp(e.dir, "data") //nolint:usetesting // removed after each round, for the sake of the disk
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(data)
	env := append(e.env(), "MIXDUCK_DATA_DIR="+data)
	worker := startWorker(b, env)
	before := worker.cpu(b)
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
	f := fetched{job.Seconds, worker.cpu(b) - before + cpuOf(enqueue), worker.PeakMemory(b)}
	worker.Terminate(b)
	return f
}

// fetchDirectly fetches the first day with mp and returns its CPU time.
func (e *export) fetchDirectly(b *testing.B) time.Duration {
	b.Helper()
	path := filepath.Join(e.dir, "mp.db")
	defer os.Remove(path)
	mp := exec.Command(program("mp"), "fetch", "events", "--from", first, "--to", first, "--path", path, "--quiet")
	mp.Env, mp.Stderr = e.env(), os.Stderr
	if err := mp.Run(); err != nil {
		b.Fatal(err)
	}
	return cpuOf(mp)
}

func (e *export) env() []string {
	return append(os.Environ(), "MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID="+exported, "MIXDUCK_MIXPANEL_BASE_URL="+e.url)
}

func cpuOf(ended *exec.Cmd) time.Duration {
	return ended.ProcessState.UserTime() + ended.ProcessState.SystemTime()
}
