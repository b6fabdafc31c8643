package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFetchIsExact(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 300))
			s.startWorker(t)
			days := dates(t, "2025-10-24", "2025-11-21")
			res := s.enqueue(t, "fetch", "events", "--from", "2025-10-24", "--to", "2025-11-21", "--wait", "--format", "json")
			if res.code != 0 {
				t.Fatalf("exit code %d\n%s", res.code, res.stderr)
			}
			checkDocumentedFields(t, res.stdout)

			truth := s.truth(t, projectID, days)
			j := res.job(t)
			if j.State != "done" || j.Rows != len(truth.Rows) || j.Database != "main/12345.db" || j.Attempts != 1 || j.Error != nil {
				t.Errorf("job = %+v, want %d rows", j, len(truth.Rows))
			}
			if n := len(s.mixpanel.Requests()); j.WindowsDone != j.WindowsTotal || j.Requests != n {
				t.Errorf("%d of %d windows are done after %d requests, Mixpanel saw %d", j.WindowsDone, j.WindowsTotal, j.Requests, n)
			}
			s.checkEvents(t, days)
		})
	}
}

// checkDocumentedFields checks that stdout is one JSON object with the documented fields and their types.
func checkDocumentedFields(t *testing.T, stdout string) {
	t.Helper()
	if strings.Count(stdout, "\n") != 1 {
		t.Fatalf("stdout is more than a line:\n%s", stdout)
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(stdout), &object); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	for name, example := range map[string]any{
		"id": "", "kind": "fetch", "state": "done", "project": "12345", "database": "", "table": "events",
		"from": "2025-10-24", "to": "2025-11-21", "rows": 1.0, "duplicates": 0.0, "quarantined": 0.0,
		"windows_done": 1.0, "windows_total": 1.0, "requests": 1.0, "bytes": 1.0, "attempts": 1.0, "error": nil,
		"started_at": "", "finished_at": "", "duration_seconds": 1.0,
	} {
		value, ok := object[name]
		if !ok {
			t.Errorf("there is no %q; there are %q", name, slices.Sorted(maps.Keys(object)))
			continue
		}
		switch want := example.(type) {
		case nil:
			ok = value == nil
		case float64:
			n, isNumber := value.(float64)
			ok = isNumber && (want == 0 && n == 0 || want > 0 && n > 0)
		case string:
			s, isString := value.(string)
			ok = isString && s != "" && (want == "" || s == want)
		}
		if !ok {
			t.Errorf("%s is %v, want something like %v", name, value, example)
		}
	}
	for _, name := range []string{"started_at", "finished_at"} {
		s, _ := object[name].(string)
		if at, err := time.Parse(time.RFC3339, s); err != nil || time.Since(at) > time.Hour || at.Location() != time.UTC {
			t.Errorf("%s is %v (%v), want a moment ago in UTC", name, s, err)
		}
	}
}
