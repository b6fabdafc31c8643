package chaos

import (
	"testing"
	"time"
)

// patience is how long anything may take that should take a moment: the machine is busy.
const patience = 60 * time.Second

// eventually calls ok again and again until it is true.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			tb.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// await waits for c to be closed.
func await(tb testing.TB, what string, c <-chan struct{}) {
	tb.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		tb.Fatalf("waited %s in vain: %s", patience, what)
	}
}
