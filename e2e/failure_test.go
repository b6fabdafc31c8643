package e2e

import (
	"strings"
	"testing"
)

// mustFail checks the exit code, and that stderr says what is wrong and what to try: all of the texts are in it.
func (r result) mustFail(tb testing.TB, code int, texts ...string) {
	tb.Helper()
	if r.code != code {
		tb.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range append(texts, "error: ", "\ntry: ") {
		if !strings.Contains(r.stderr, text) {
			tb.Errorf("stderr has no %q", text)
		}
	}
	if tb.Failed() {
		tb.Logf("stderr: %s", r.stderr)
	}
}
