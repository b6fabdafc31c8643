package bench_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"mixduck/serve/flight"
	"mixduck/storage/query"
)

// flightRows is the number of rows in the table of benchmarks of Flight SQL.
const flightRows = 10_000_000

const flightTable = `CREATE TABLE t AS SELECT range AS n, 'u' || (range % 1000) AS u, range * 1.5::DOUBLE AS d,
	TIMESTAMP '2026-01-01' + INTERVAL (range) SECOND AS at, (range % 7)::INTEGER AS k FROM range(10000000)`

// flightServer serves one database as a worker does.
type flightServer struct {
	*flightsql.Client
	path  string
	child query.Launcher
	ended chan time.Time // of queries
}

func (*flightServer) FlightQueries(int, int) {}

func (f *flightServer) FlightQueryEnded(string, time.Duration) {
	select {
	case f.ended <- time.Now():
	default:
	}
}

func newFlightServer(b *testing.B) *flightServer {
	b.Helper()
	f := &flightServer{
		path: filepath.Join(b.TempDir(), "x.db"), ended: make(chan time.Time, 1),
		child: query.Launcher{Exe: program("worker"), Args: []string{"query-child"}},
	}
	execute(b, f.path, flightTable)
	list := func(context.Context) ([]flight.Database, error) {
		return []flight.Database{{Name: "main/x.db", Path: f.path}}, nil
	}
	cfg := flight.Config{Listen: "127.0.0.1:0", Launcher: f.child, Dir: b.TempDir(), Concurrency: 4}
	server, err := flight.Serve(b.Context(), cfg, list, f, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	f.Client, err = flightsql.NewClient(server.Addr().String(), nil, nil, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return f
}

// begin starts a query.
func (f *flightServer) begin(ctx context.Context, b *testing.B, statement string) *arrowflight.Reader {
	b.Helper()
	info, err := f.Execute(ctx, statement)
	if err != nil {
		b.Fatal(err)
	}
	r, err := f.DoGet(ctx, info.Endpoint[0].Ticket)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// read runs a query, and returns how long that took, in s.
func (f *flightServer) read(b *testing.B, statement string, want int64) float64 {
	b.Helper()
	began := time.Now()
	r := f.begin(b.Context(), b, statement)
	defer r.Release()
	rows := int64(0)
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	if rows != want || r.Err() != nil {
		b.Fatalf("%d rows, %v", rows, r.Err())
	}
	return time.Since(began).Seconds()
}

// pipe runs a query that writes to a pipe, and returns how long that took, in s.
func (f *flightServer) pipe(b *testing.B, statement string) float64 {
	b.Helper()
	launch := f.child
	launch.Stdout = struct{ io.Writer }{io.Discard} // any writer but a file makes it a pipe
	began := time.Now()
	_, err := query.Run(b.Context(), launch, query.Request{Database: f.path, SQL: statement, Format: query.Arrow, TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(began).Seconds()
}

// cancel cancels a query without end, and returns after how long its process has ended, in ms.
func (f *flightServer) cancel(b *testing.B) float64 {
	b.Helper()
	select {
	case <-f.ended: // an earlier one
	default:
	}
	ctx, cancel := context.WithCancel(b.Context())
	r := f.begin(ctx, b, "SELECT sum(a.n * b.n) FROM t AS a, t AS b")
	defer r.Release()
	began := time.Now()
	cancel()
	return millis((<-f.ended).Sub(began))
}

// BenchmarkFlight compares a long result over Flight SQL with the pipe of the same query, in turns, and measures short
// queries.
func BenchmarkFlight(b *testing.B) {
	f := newFlightServer(b)
	var pipes, reads, short, direct, cancelled []float64
	for b.Loop() {
		for range 3 {
			pipes = append(pipes, f.pipe(b, "FROM t"))
			reads = append(reads, f.read(b, "FROM t", flightRows))
		}
		for range 21 {
			direct = append(direct, 1000*f.pipe(b, "SELECT 1"))
			short = append(short, 1000*f.read(b, "SELECT 1", 1))
		}
		for range 11 {
			cancelled = append(cancelled, f.cancel(b))
		}
	}
	ratio := median(pipes) / median(reads)
	b.ReportMetric(ratio, "x-pipe")
	report("10M rows of 5 columns over Flight SQL, relative to a pipe (bar: ≥ 0.5)", "%.2f; %.1fM rows/s", ratio, flightRows/1e6/median(reads))
	report("SELECT 1 over Flight SQL, p50 (bar: ≤ 100 ms)", "%.0f ms", median(short))
	report("relative to the process of that query alone", "%.2f", median(short)/median(direct))
	report("from cancelling a query to the end of its process, p95 (bar: ≤ 1 s)", "%.0f ms", percentile(cancelled, 95))
}
