package flight

import (
	"io"
	"slices"
	"testing"
	"time"

	"mixduck/storage/query"
)

// hide keeps a writer from being recognized.
type hide struct{ io.Writer }

// BenchmarkStream compares 10M rows of 5 columns over Flight with what a query writes to a pipe. The bar is half the rate.
func BenchmarkStream(b *testing.B) {
	const rows = 10_000_000
	f := serve(b, Config{}, []string{`CREATE TABLE t AS SELECT range AS n, 'u' || (range % 1000) AS u, range * 1.5::DOUBLE AS d,
		TIMESTAMP '2026-01-01' + INTERVAL (range) SECOND AS at, (range % 7)::INTEGER AS k FROM range(10000000)`}, "main/a.db")
	for b.Loop() {
		began := time.Now()
		launch := f.server.cfg.Launcher
		launch.Stdout = hide{io.Discard}
		if _, err := query.Run(b.Context(), launch, query.Request{Database: f.dir + "/a.db", SQL: "FROM t", Format: query.Arrow, TempDir: b.TempDir()}); err != nil {
			b.Fatal(err)
		}
		pipe := time.Since(began)
		began = time.Now()
		info, err := f.Execute(b.Context(), "FROM t")
		if err != nil {
			b.Fatal(err)
		}
		r, err := f.DoGet(b.Context(), info.Endpoint[0].Ticket)
		if err != nil {
			b.Fatal(err)
		}
		n := int64(0)
		for r.Next() {
			n += r.RecordBatch().NumRows()
		}
		if n != rows || r.Err() != nil {
			b.Fatalf("%d rows, %v", n, r.Err())
		}
		r.Release()
		took := time.Since(began)
		b.ReportMetric(rows/took.Seconds(), "rows/s")
		b.ReportMetric(pipe.Seconds()/took.Seconds(), "of-the-pipe's-rate")
	}
}

// BenchmarkSelectOne measures a query of one row. The bar is 100 ms.
func BenchmarkSelectOne(b *testing.B) {
	f := serve(b, Config{}, nil, "main/a.db")
	for b.Loop() {
		var all []time.Duration
		for range 21 {
			began := time.Now()
			if _, err := f.read(b.Context(), "SELECT 1"); err != nil {
				b.Fatal(err)
			}
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Milliseconds()), "p50-ms")
	}
}
