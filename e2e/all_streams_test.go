package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

const allStreamsFile = `
projects:
  web:
    id: 12345
    tables:
      events: {events: [Signed Up, Purchase], promote: [$city]}
schedules:
  - {name: everything, project: web, stream: all, cron: "@yearly", start: START, lookback: 0d}
`

// A schedule of all streams uses the project's settings for the table of events, fetches the other streams completely,
// and leaves excess days to pieces.
func TestAScheduleOfAllStreams(t *testing.T) {
	t.Parallel()
	p := newProject(projectID, "us", 3)
	p.Profiles = mixpaneltest.People{Seed: 1, Count: 30}
	s := newSite(t, embedded, mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{p}, Limits: mixpaneltest.Limits{Off: true}}))
	yesterday := day.Of(time.Now()) - 1
	days := day.Range{From: yesterday - 600, To: yesterday} // more than the windows of a run
	file := filepath.Join(filepath.Dir(s.dir), "mixduck.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(allStreamsFile, "START", days.From.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	s.set("MIXDUCK_CONFIG=" + file)
	s.startWorker(t)
	if r := s.enqueue(t, "schedules", "run", "everything", "--wait"); r.code != 0 {
		t.Fatal(r.stdout, r.stderr)
	}
	s.checkProfiles(t, "profiles", "")
	var jobs []job
	eventually(t, "pieces have fetched all days", func() bool {
		jobs = s.list(t)
		return slices.ContainsFunc(jobs, func(j job) bool { return j.State == "failed" }) || s.coverage(t, "events") == days.Len()
	})
	for _, j := range jobs {
		if j.Error != nil {
			t.Errorf("job %s has failed: %+v", j.ID, j.Error)
		}
	}
	if len(jobs) < 2 {
		t.Error("one job has fetched all days: no piece was tested")
	}
	var want []row
	for _, r := range rowsOf(s.truth(t, projectID, days)) {
		if r.Event == "Signed Up" || r.Event == "Purchase" {
			want = append(want, r)
		}
	}
	compare(t, want, s.rows(t, defaultDatabase, "events"))
	if r := s.enqueue(t, "fetch", "all", "--from", "3d", "--wait"); r.code != 0 { // uses the settings too
		t.Fatal(r.stdout, r.stderr)
	}
	compare(t, want, s.rows(t, defaultDatabase, "events"))
}

// coverage returns how many days of a table are stored.
func (s *site) coverage(tb testing.TB, table string) (days int) {
	tb.Helper()
	s.read(tb, defaultDatabase, func(db *sql.DB) {
		if err := db.QueryRowContext(tb.Context(), "SELECT count(*) FROM mixduck.coverage WHERE table_name = ?", table).Scan(&days); err != nil {
			tb.Fatal(err)
		}
	})
	return days
}
