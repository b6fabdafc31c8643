package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

const verifiedFile = `
projects:
  web: {id: 12345}
schedules:
  - {name: repaired, project: web, cron: "@yearly", start: START, lookback: 0d, verify: repair}
  - {name: reported, project: web, cron: "@yearly", start: START, lookback: 0d, verify: true, table: other}
`

// verifiedRun is a job or a table in JSON, with the comparison after its fetch.
type verifiedRun struct {
	ID       string   `json:"id"`
	Table    string   `json:"table"`
	State    string   `json:"state"`
	Warnings []string `json:"warnings"`
	Verified *struct {
		From, To                      day.Day
		Events, Differences, Repaired int
		Problem                       string
	} `json:"verified"`
}

// A run of a schedule compares what it has stored with Mixpanel, and repairs it if it shall.
func TestRunsAreVerified(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 40))
	yesterday := day.Of(time.Now()) - 1
	days := day.Range{From: yesterday - 9, To: yesterday}
	file := filepath.Join(filepath.Dir(s.dir), "mixduck.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(verifiedFile, "START", days.From.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	s.set("MIXDUCK_CONFIG=" + file)
	s.startWorker(t)
	run := func(name string) (r verifiedRun) {
		t.Helper()
		s.decode(t, &r, "schedules", "run", name, "--wait", "--quiet")
		if r.State != "done" || r.Verified == nil {
			t.Fatalf("%s: %+v", name, r)
		}
		return r
	}
	for _, name := range []string{"repaired", "reported"} {
		if v := run(name).Verified; v.Differences != 0 || v.Problem != "" || v.From != days.From || v.To != days.To || v.Events == 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
	lost := days.From + 3
	for _, table := range []string{"events", "other"} {
		s.write(t, defaultDatabase, "DELETE FROM "+table+" WHERE day = '"+lost.String()+"'")
	}
	repaired := run("repaired")
	if v := repaired.Verified; v.Differences == 0 || v.Repaired != 1 || len(repaired.Warnings) == 0 {
		t.Errorf("%+v, warnings %q", v, repaired.Warnings)
	}
	s.checkEvents(t, days)
	if v := run("reported").Verified; v.Differences == 0 || v.Repaired != 0 {
		t.Errorf("%+v", v)
	}
	if text := s.enqueue(t, "status").stdout; !strings.Contains(text, "differences from Mixpanel") {
		t.Errorf("status lacks the differences:\n%s", text)
	}
	if v := run("repaired").Verified; v.Differences != 0 {
		t.Errorf("after the repair: %+v", v)
	}
	var tables []verifiedRun
	s.decode(t, &tables, "status")
	for _, table := range tables {
		if v := table.Verified; v == nil || (v.Differences > 0) != (table.Table == "other") {
			t.Errorf("status of %s: %+v", table.Table, v)
		}
	}
	s.read(t, defaultDatabase, func(db *sql.DB) {
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM mixduck.verified").Scan(&n); err != nil || n != 5 {
			t.Errorf("%d comparisons are kept, want 5: %v", n, err)
		}
	})
}

// A plan without the Query API cannot be verified: the run says so, and has fetched its days.
func TestARunThatCannotBeVerifiedIsDone(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 40))
	s.startWorker(t)
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status402, Call: "events"})
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status402, Call: "events/names"})
	yesterday := day.Of(time.Now()) - 1
	s.enqueue(t, "schedules", "add", "web", "--cron", "@yearly", "--start", yesterday.String(), "--verify", "true")
	var r verifiedRun
	s.decode(t, &r, "schedules", "run", "web", "--wait", "--quiet")
	if r.State != "done" || r.Verified == nil || !strings.Contains(r.Verified.Problem, "402") && !strings.Contains(r.Verified.Problem, "plan") {
		t.Errorf("%+v, %+v", r, r.Verified)
	}
	s.checkEvents(t, day.Range{From: yesterday, To: yesterday})
	s.enqueue(t, "schedules", "add", "people", "--cron", "@daily", "--stream", "profiles", "--verify", "repair").mustFail(t, 3, "only events can be verified")
}
