package query_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/storage/query"
)

// slowWriter accepts nothing until it is released.
type slowWriter struct {
	asked   chan struct{} // closed at the first Write
	release chan struct{}
	taken   bytes.Buffer
}

func newSlowWriter() *slowWriter {
	return &slowWriter{asked: make(chan struct{}), release: make(chan struct{})}
}

func (w *slowWriter) Write(p []byte) (int, error) {
	select {
	case <-w.asked:
	default:
		close(w.asked)
	}
	<-w.release
	return w.taken.Write(p)
}

// startSlow runs a query whose small result is written to w, and returns a channel for the result of Run.
func startSlow(ctx context.Context, tb testing.TB, w *slowWriter) <-chan error {
	tb.Helper()
	launch := launcher(tb)
	launch.Stdout = w
	request := query.Request{Database: newFile(tb), TempDir: tb.TempDir(), SQL: "SELECT 42 AS a", Format: query.CSV}
	ended := make(chan error, 1)
	go func() {
		_, err := query.Run(ctx, launch, request)
		ended <- err
	}()
	select {
	case <-w.asked:
	case err := <-ended:
		tb.Fatalf("nothing was written: %v", err)
	case <-time.After(proctest.Patience):
		tb.Fatal("nothing is written")
	}
	return ended
}

// The child ends long before a slow reader takes its last output. That is not a failure.
func TestSlowReaderGetsEverything(t *testing.T) {
	t.Parallel()
	w := newSlowWriter()
	ended := startSlow(t.Context(), t, w)
	select {
	case err := <-ended:
		t.Fatalf("Run ended before its writer took anything: %v", err)
	case <-time.After(2 * time.Second): // the child ends within this time
	}
	close(w.release)
	if err := <-ended; err != nil || w.taken.String() != "a\n42\n" {
		t.Errorf("Run() = %v, output %q", err, w.taken.String())
	}
}

// A cancelled query does not wait for a stuck reader.
func TestCancelDoesNotWaitForTheReader(t *testing.T) {
	t.Parallel()
	w := newSlowWriter()
	t.Cleanup(func() { close(w.release) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := startSlow(ctx, t, w)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want that it was cancelled", err)
	}
}
