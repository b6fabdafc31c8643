package main_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	s := newSite(t, 100)
	s.fails(t, 4, "No data yet", "verify")
	s.ok(t, "fetch", "events", "--from", "2025-11-01", "--to", "2025-11-03", "--quiet")
	r := s.mp(t, "verify", "--from", "2025-11-01", "--to", "2025-11-03", "--format", "json")
	if r.code != 0 || strings.TrimSpace(r.stdout) != "[]" || !strings.Contains(r.stderr, "of 2025-11-01..2025-11-03 with 3 requests") {
		t.Errorf("no differences: %+v", r)
	}
	four := []string{"verify", "--from", "2025-11-01", "--to", "2025-11-04"}
	r = s.mp(t, append(four, "--format", "json")...)
	var found []struct {
		Day, Event, Cause string
		Ours, Theirs      int64
	}
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.code != 1 || len(found) == 0 || !strings.Contains(r.stderr, "--repair") {
		t.Fatalf("%v: %+v", err, r)
	}
	for _, d := range found {
		if d.Day != "2025-11-04" || d.Event == "" || d.Ours != 0 || d.Theirs <= 0 || d.Cause != "not_fetched" {
			t.Errorf("difference %+v", d)
		}
	}
	if r = s.mp(t, append(four, "--format", "csv", "--quiet")...); r.code != 1 || !strings.HasPrefix(r.stdout, "day,event,ours,theirs,cause\n2025-11-04,") {
		t.Errorf("as csv: %+v", r)
	}
	if r = s.mp(t, append(four, "--limit", "1")...); r.code != 1 || strings.Count(r.stdout, "\n") != 2 || !strings.Contains(r.stderr, "differences from Mixpanel") {
		t.Errorf("limited: %+v", r)
	}
	if r = s.mp(t, append(four, "--repair")...); r.code != 1 || !strings.Contains(r.stderr, "fetched 2025-11-04 again") {
		t.Errorf("repair: %+v", r)
	}
	s.ok(t, four...)
	s.fails(t, 3, "--from", "verify", "--to", "2025-11-04")
	s.fails(t, 4, "no table nope", "verify", "--from", "2025-11-01", "--table", "nope")
	s.nothingIsLeft(t)
}
