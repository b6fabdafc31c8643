package query

import (
	"context"
	"errors"
	"os"
	"testing"
)

// stuckWriter counts its writes. The first one waits until it is released.
type stuckWriter struct {
	asked, release chan struct{}
	writes         int
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 1 {
		close(w.asked)
		<-w.release
	}
	return len(p), nil
}

// After a cancel nobody reads the child's last output, and no Write begins once wait has returned.
func TestNothingIsWrittenAfterACancel(t *testing.T) {
	t.Parallel()
	w := &stuckWriter{asked: make(chan struct{}), release: make(chan struct{})}
	out, err := newOutput(w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.child.WriteString("first"); err != nil {
		t.Fatal(err)
	}
	<-w.asked
	if _, err := out.child.WriteString("second"); err != nil {
		t.Fatal(err)
	}
	out.started()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := out.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait() = %v, want that it was cancelled", err)
	}
	close(w.release)
	if err := <-out.done; !errors.Is(err, os.ErrClosed) || w.writes != 1 {
		t.Errorf("%d writes, %v, want that the second one is not made", w.writes, err)
	}
}
