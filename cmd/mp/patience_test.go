package main_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// A short wait requested by Mixpanel does not end a fetch: it continues, and stores every row once.
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

// A stream also continues, and writes no line twice.
func TestStreamWaitsForAShortTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	later := day.Range{From: day.New(2025, 1, 3), To: day.New(2025, 1, 31)}
	if _, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, Days: later, RetryAfter: time.Second, Times: 2}); err != nil {
		t.Fatal(err)
	}
	r := s.mp(t, fetch("2025-01", "2025-01", "--stdout", "--raw")...)
	lines := slices.Sorted(strings.Lines(r.stdout))
	if r.code != 0 || len(lines) != 620 || len(slices.Compact(lines)) != 620 || strings.Count(r.stderr, "asks to wait") != 2 {
		t.Errorf("exit code %d, %d lines, want 0, 620, and two words about waits\n%s", r.code, len(lines), r.stderr)
	}
}

// A long wait ends a stream. The output is complete up to that point, and the message names what is missing.
func TestStreamEndsAtALongWait(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20)
	later := day.Range{From: day.New(2025, 1, 3), To: day.New(2025, 1, 31)}
	if _, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, Days: later, RetryAfter: 61 * time.Second}); err != nil {
		t.Fatal(err)
	}
	r := s.mp(t, fetch("2025-01", "2025-01", "--stdout")...)
	if r.code != 5 || strings.Count(r.stdout, "\n") != 20 {
		t.Errorf("exit code %d, %d lines, want 5 and 20 lines", r.code, strings.Count(r.stdout, "\n"))
	}
	for _, want := range []string{"not written: 2025-01-02..2025-01-31", "try: run it again after ", " for the days that are not written"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, r.stderr)
		}
	}
}

// Omitted keys other than event and properties are counted.
func TestStreamCountsUnknownKeys(t *testing.T) {
	t.Parallel()
	d := day.New(2025, 1, 1)
	s := newSiteOf(t, mixpaneltest.Lines{d: {
		`{"event":"a","properties":{"time":1735689600,"$insert_id":"1"},"odd":1}`, `{"event":"b","properties":{"time":1735689601,"$insert_id":"2"}}`,
	}})
	if r := s.mp(t, fetch("2025-01-01", "2025-01-01", "--stdout")...); !strings.Contains(r.stderr, "1 event with keys other than event and properties") {
		t.Errorf("stderr says nothing of the unknown key:\n%s", r.stderr)
	}
}
