// Package bench_test measures the built binaries and the loader. `make bench` runs it; it expects the binaries in bin/.
package bench_test

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
	"mixduck/storage"
)

const (
	perDay  = 1_000_000
	project = "12345"
	first   = "2026-10-01" // the days of the stand-in
)

// bench holds the stand-in, in a process of its own so that its memory and time are not the worker's, and the file that
// it answers with.
type bench struct {
	dir  string
	url  string
	file string // the first day as gzip
}

func newBench(b *testing.B, events int) *bench {
	b.Helper()
	dir := b.TempDir()
	from, err := day.Parse(first)
	if err != nil {
		b.Fatal(err)
	}
	last := from + day.Day(events/perDay-1)
	cmd := exec.Command("../bin/fakemixpanel", "--listen", "127.0.0.1:0", "--project", project, "--username", "sa", "--secret", "s3cret",
		"--events-per-day", strconv.Itoa(perDay), "--no-limits", "--precompute", from.String()+".."+last.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatalf("start the stand-in (make build?): %v", err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the stand-in did not start: %v", err)
	}
	f := &bench{dir: dir, url: strings.TrimSpace(line), file: filepath.Join(dir, "day.ndjson.gz")}
	f.download(b)
	return f
}

// download saves the first day as the stand-in sends it.
func (f *bench) download(b *testing.B) {
	b.Helper()
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/2.0/export?project_id=%s&from_date=%s&to_date=%s", f.url, project, first, first), nil)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth("sa", "s3cret")
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	file, err := os.Create(f.file)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := file.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("the stand-in answered %s: %v", resp.Status, err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}

// fetch fetches that many days through a new worker and returns the job's seconds and the worker's peak memory in bytes.
func (f *bench) fetch(b *testing.B, days int) (seconds float64, peak int64) {
	b.Helper()
	data, err := os.MkdirTemp(f.dir, "data") //nolint:usetesting // removed after each round, for the sake of the disk
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(data)
	env := append(os.Environ(), "MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID="+project,
		"MIXDUCK_MIXPANEL_BASE_URL="+f.url, "MIXDUCK_DATA_DIR="+data)
	worker := exec.Command("../bin/worker", "run")
	worker.Env = env
	log, err := worker.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		b.Fatal(err)
	}
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if strings.Contains(lines.Text(), "worker started") {
			break
		}
	}
	go func() { _, _ = bufio.NewReader(log).WriteTo(discard{}) }()
	from, _ := day.Parse(first)
	enqueue := exec.Command("../bin/enqueue", "fetch", "events", "--from", first, "--to", (from + day.Day(days-1)).String(), "--wait", "--quiet", "--format", "json")
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
	peak = peakMemory(b, worker.Process.Pid)
	_ = worker.Process.Signal(syscall.SIGTERM)
	if err := worker.Wait(); err != nil {
		b.Fatal(err)
	}
	return job.Seconds, peak
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// peakMemory returns the most memory that a process has had resident, in bytes.
func peakMemory(b *testing.B, pid int) int64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		b.Fatal(err)
	}
	return kib * 1024
}

// readNDJSON loads the file with nothing but DuckDB, with the settings and the table of a load, and returns the seconds
// to the checkpoint. No row is checked, no duplicate dropped, nothing that is wrong is noticed.
func (f *bench) readNDJSON(b *testing.B) float64 {
	b.Helper()
	path := filepath.Join(f.dir, "duckdb.db")
	defer os.Remove(path)
	db, err := sql.Open("duckdb", path+"?memory_limit=536MB&storage_compatibility_version=v1.5.0")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	for _, q := range []string{
		"SET TimeZone = 'UTC'", "SET preserve_insertion_order = false",
		`CREATE TABLE events (event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL, distinct_id VARCHAR, insert_id VARCHAR,
			properties JSON NOT NULL USING COMPRESSION zstd, day DATE NOT NULL, processed_at TIMESTAMP)`,
		`INSERT INTO events SELECT event, t, p[2], p[3], properties, t::DATE, make_timestamp(p[4]::BIGINT * 1000) FROM (
			SELECT event, properties, p, make_timestamp(p[1]::BIGINT * 1000000) AS t FROM (
				SELECT event, properties, json_extract_string(properties, ['$.time', '$.distinct_id', '$."$insert_id"', '$.mp_processing_time_ms']) AS p
				FROM read_ndjson('` + f.file + `', columns = {event: 'VARCHAR', properties: 'JSON'})))`,
		"CHECKPOINT",
	} {
		if _, err := conn.ExecContext(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began).Seconds()
}

// load loads the day into a file and returns the seconds, from opening to closing.
func (f *bench) load(b *testing.B, path string) float64 {
	b.Helper()
	file, err := os.Open(f.file)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	lines, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<18))
	if err != nil {
		b.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	d, _ := day.Parse(first)
	days := day.Range{From: d, To: d}
	began := time.Now()
	e, err := storage.Open(b.Context(), storage.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := e.Prepare(b.Context(), storage.Table{Name: "events", Project: project, Days: days, Job: "bench"}); err != nil {
		b.Fatal(err)
	}
	receipt, err := e.Load(b.Context(), storage.Window{
		Table: "events", Days: days, Lines: lines, Job: "bench", FetchedAt: began, Bytes: info.Size(),
		DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
	})
	if err != nil || receipt.Rows != perDay {
		b.Fatalf("loaded %d rows: %v", receipt.Rows, err)
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began).Seconds()
}

// grow makes a file with that many copies of the day, each a day earlier.
func (f *bench) grow(b *testing.B, path string, copies int) {
	b.Helper()
	f.load(b, path)
	db, err := sql.Open("duckdb", path+"?memory_limit=2GB")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for i := 1; i < copies; i++ {
		if _, err := db.ExecContext(b.Context(), fmt.Sprintf(`SET preserve_insertion_order = false;
			INSERT INTO events SELECT * REPLACE (day - %d AS day) FROM events WHERE day = DATE '%s'`, i, first)); err != nil {
			b.Fatal(err)
		}
	}
}
