package proctest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for something that normally takes a moment. It only decides when a hanging test gives up,
// so it is far above what a loaded machine needs.
const Patience = 2 * time.Minute

// Eventually calls ok every few milliseconds until it returns true. It fails the test after Patience.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(Patience)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			tb.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// Await waits until c is closed or sends. It fails the test after Patience.
func Await[T any](tb testing.TB, what string, c <-chan T) {
	tb.Helper()
	late := time.NewTimer(Patience)
	defer late.Stop()
	select {
	case <-c:
	case <-late.C:
		tb.Fatalf("not within %s: %s", Patience, what)
	}
}
