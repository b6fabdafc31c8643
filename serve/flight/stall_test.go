package flight

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"mixduck/internal/proctest"
)

// numbers is a result of about 120 MB, 2 GB in a soak.
func numbers() (statement string, rows int64) {
	if proctest.Soak() {
		return "SELECT range AS a, range AS b, range AS c, range AS d, range AS e FROM range(50000000)", 50_000_000
	}
	return "SELECT range AS a, range AS b, range AS c, range AS d, range AS e FROM range(3000000)", 3_000_000
}

// begin starts a query and reads its first batch.
func (f *fixture) begin(ctx context.Context, t *testing.T, statement string) (*flight.Reader, *answer) {
	t.Helper()
	info, err := f.Execute(ctx, statement)
	if err != nil {
		t.Fatal(err)
	}
	f.server.service.mu.Lock()
	var a *answer
	for _, a = range f.server.service.answers {
		break
	}
	f.server.service.mu.Unlock()
	r, err := f.DoGet(ctx, info.Endpoint[0].Ticket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	if !r.Next() {
		t.Fatal(r.Err())
	}
	return r, a
}

// drain reads the rest of a result.
func drain(r *flight.Reader) error {
	for r.Next() {
		continue
	}
	return r.Err()
}

// A result that nobody reads needs no memory, and no lock. It is complete when the client goes on.
func TestClientThatStopsReading(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	statement, want := numbers()
	f := serve(t, Config{}, nil, "main/a.db")
	r, a := f.begin(t.Context(), t, statement)
	f.ended.wait(t, "done") // the query did not wait for its client
	var m runtime.MemStats
	runtime.GC()
	if runtime.ReadMemStats(&m); m.HeapAlloc > 80e6 {
		t.Errorf("%d MB are in use while the result waits", m.HeapAlloc/1e6)
	}
	if a.buffer.total() < want*40 || f.server.service.disk.used.Load() < want*20 {
		t.Errorf("%d of %d bytes wait on disk, want most", f.server.service.disk.used.Load(), a.buffer.total())
	}
	rows := r.RecordBatch().NumRows()
	for r.Next() {
		rows += r.RecordBatch().NumRows()
	}
	if rows != want || r.Err() != nil {
		t.Errorf("%d rows, %v, want %d", rows, r.Err(), want)
	}
}

// Results that nobody reads share the disk space of one result.
func TestClientsThatStopReadingShareTheDisk(t *testing.T) {
	t.Parallel()
	const limit = 100e6
	f := serve(t, Config{MaxResult: limit}, nil, "main/a.db")
	const statement = "SELECT range AS a, range AS b FROM range(4000000)" // 64 MB
	first, _ := f.begin(t.Context(), t, statement)
	f.ended.wait(t, "done")
	second, _ := f.begin(t.Context(), t, statement)
	f.ended.wait(t, "failed")
	if used := f.server.service.disk.used.Load(); used > limit {
		t.Errorf("%.0f MB are on disk", float64(used)/1e6)
	}
	if err := drain(second); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("error = %v, want that there is no room for the second result", err)
	}
	if err := drain(first); err != nil {
		t.Errorf("the first result: %v", err)
	}
	third, _ := f.begin(t.Context(), t, statement)
	if err := drain(third); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// A query has its time limit, and its client another one.
func TestClientThatNeverReadsAgain(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Timeout: time.Second}, nil, "main/a.db")
	r, _ := f.begin(t.Context(), t, "SELECT range AS n FROM range(1000000000000)")
	f.ended.wait(t, "failed")
	if err := drain(r); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error = %v, want that the query took too long", err)
	}

	g := serve(t, Config{}, nil, "main/a.db")
	g.server.service.patience = 100 * time.Millisecond
	statement, _ := numbers()
	r, a := g.begin(t.Context(), t, statement)
	<-a.gone
	if err := drain(r); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error = %v, want that the client stopped reading", err)
	}
	if used := g.server.service.disk.used.Load(); used != 0 {
		t.Errorf("%d bytes are still on disk", used)
	}
}
