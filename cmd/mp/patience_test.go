package main_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

// A short wait that Mixpanel asks for ends no fetch: it goes on, and brings every row once.
func TestFetchWaitsForAShortTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	if _, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: time.Second, Times: 2}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "x.db")
	r := s.mp(t, fetch("2025-01", "2025-01", "--path", path)...)
	if r.code != 0 || !strings.Contains(r.stderr, "asks to wait") {
		t.Errorf("exit code %d, want 0 and a word about the wait\n%s", r.code, r.stderr)
	}
	if got := s.ok(t, "query", "SELECT count(*) FROM events", "--path", path, "--format", "plain"); got != "620\n" {
		t.Errorf("%q rows, want 620", got)
	}
}
