package bench_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
	"mixduck/storage"
)

// BenchmarkDay compares loading a day into an empty file with loading it into one of 20M rows.
func BenchmarkDay(b *testing.B) {
	const events, others, rounds = 1_000_000, 20, 3
	e := newExport(b, events)
	var empty, full []float64
	for b.Loop() {
		big := filepath.Join(b.TempDir(), "big.db")
		e.grow(b, big, others)
		for range rounds {
			empty = append(empty, e.load(b, filepath.Join(b.TempDir(), "empty.db")))
			full = append(full, e.load(b, big))
		}
	}
	a, f := median(empty), median(full)
	b.ReportMetric(f/a, "ratio")
	report("1M events of a day into an empty file", "%.2f s", a)
	report("the same into a file of 20M rows", "%.2f s", f)
	report("ratio (bar: ≤ 1.3)", "%.2f", f/a)
}

// BenchmarkRefetch compares loading a day with loading it again, which replaces the existing rows and counts the
// changes.
func BenchmarkRefetch(b *testing.B) {
	const rounds = 5
	e := newExport(b, perDay)
	var loaded, again []float64
	for b.Loop() {
		for range rounds {
			path := filepath.Join(b.TempDir(), "day.db")
			loaded = append(loaded, e.load(b, path))
			again = append(again, e.load(b, path))
		}
	}
	a, r := median(loaded), median(again)
	b.ReportMetric(r/a, "ratio")
	report("1M events of a day into an empty file", "%.2f s", a)
	report("the same again", "%.2f s", r)
	report("ratio (bar: ≤ 1.15)", "%.2f", r/a)
}

// readNDJSON loads the file with DuckDB alone, with the settings and the table of a load, and returns the seconds to
// the checkpoint. It checks no row, drops no duplicate and detects no error.
func (e *export) readNDJSON(b *testing.B) float64 {
	b.Helper()
	path := filepath.Join(e.dir, "duckdb.db")
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
				FROM read_ndjson('` + e.file + `', columns = {event: 'VARCHAR', properties: 'JSON'})))`,
		"CHECKPOINT",
	} {
		if _, err := conn.ExecContext(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began).Seconds()
}

// load loads the day into a file, with promoted properties, and returns the seconds from opening to closing.
func (e *export) load(b *testing.B, path string, promote ...storage.Promotion) float64 {
	b.Helper()
	file, err := os.Open(e.file)
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
	d := firstDay(b)
	days := day.Range{From: d, To: d}
	began := time.Now()
	engine, err := storage.Open(b.Context(), storage.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := engine.Prepare(b.Context(), storage.Table{Name: "events", Project: exported, Days: days, Job: "bench", Promote: promote}); err != nil {
		b.Fatal(err)
	}
	receipt, err := engine.Load(b.Context(), storage.Window{
		Table: "events", Days: days, Parts: []io.Reader{lines}, Job: "bench", FetchedAt: began, Bytes: info.Size(),
		DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
	})
	if err != nil || receipt.Rows != e.rows {
		b.Fatalf("loaded %d rows: %v", receipt.Rows, err)
	}
	if err := engine.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began).Seconds()
}

// grow makes a file with copies of the day, each a day earlier.
func (e *export) grow(b *testing.B, path string, copies int, promote ...storage.Promotion) {
	b.Helper()
	e.load(b, path, promote...)
	db, err := sql.Open("duckdb", path+"?memory_limit=2GB")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for i := 1; i < copies; i++ {
		if _, err := db.ExecContext(b.Context(), fmt.Sprintf(`SET preserve_insertion_order = false;
			INSERT INTO events SELECT * REPLACE (day - %[1]d AS day, event_time - to_days(%[1]d) AS event_time) FROM events WHERE day = DATE '%[2]s'`, i, first)); err != nil {
			b.Fatal(err)
		}
	}
}
