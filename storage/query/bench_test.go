package query_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"mixduck/storage/query"
)

// The cost of a query in addition to its work: the time from its request to its last row, for a small file.
func BenchmarkStart(b *testing.B) {
	path := newFile(b, threeEvents)
	temp := b.TempDir()
	launch := launcher(b)
	launch.Stdout = io.Discard
	for _, bm := range []struct {
		name string
		req  query.Request
	}{
		{"constant", query.Request{SQL: "SELECT 42"}},
		{"events", query.Request{SQL: "SELECT event_name, count(*) AS n FROM events GROUP BY ALL ORDER BY n"}},
		{"parquet", query.Request{SQL: "FROM events", Format: query.Parquet}},
		{"arrow", query.Request{SQL: "FROM events", Format: query.Arrow}},
		{"inspect", query.Request{Inspect: &query.Inspect{Name: "tables"}}},
		{"refused", query.Request{SQL: "FROM read_text('/etc/passwd')"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			bm.req.Database, bm.req.TempDir = path, temp
			for b.Loop() {
				_, err := query.Run(b.Context(), launch, bm.req)
				if (err != nil) != (bm.name == "refused") {
					b.Fatal(err)
				}
			}
		})
	}
}

// How long a process lives after the end of its context, whatever it does. The limit is 500 ms.
func BenchmarkCancel(b *testing.B) {
	path, temp := newFile(b), b.TempDir()
	for name, sql := range endless() {
		b.Run(name, func(b *testing.B) {
			var late time.Duration
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), 200*time.Millisecond)
				began := time.Now()
				if _, err := query.Run(ctx, launcher(b), query.Request{Database: path, SQL: sql, TempDir: temp}); err == nil {
					b.Fatal("it came to an end")
				}
				late = max(late, time.Since(began)-200*time.Millisecond)
				cancel()
			}
			b.ReportMetric(float64(late.Milliseconds()), "ms-late")
		})
	}
}

// How fast results with a million rows are written.
func BenchmarkFormats(b *testing.B) {
	const rows = 1_000_000
	path := newFile(b, fmt.Sprintf(`CREATE TABLE wide AS SELECT range AS id, 'event ' || range %% 20 AS name, TIMESTAMP '2026-01-01' + INTERVAL (range) SECOND AS at,
		range / 7 AS ratio, '{"plan": "pro", "n": ' || range || ', "referrer": "https://example.com/a/long/path?with=query"}' AS properties FROM range(%d)`, rows))
	temp := b.TempDir()
	launch := launcher(b)
	launch.Stdout = io.Discard
	for _, format := range []query.Format{query.Rows, query.CSV, query.JSON, query.JSONL, query.Parquet, query.Arrow} {
		b.Run(string(format), func(b *testing.B) {
			for b.Loop() {
				res, err := query.Run(b.Context(), launch, query.Request{Database: path, SQL: "FROM wide", Format: format, TempDir: temp})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(res.Bytes)
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
