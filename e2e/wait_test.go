package e2e

import (
	"testing"

	"mixduck/internal/proctest"
)

// patience is how long a test waits for something that normally takes a moment.
const patience = proctest.Patience

func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	proctest.Eventually(tb, what, ok)
}
