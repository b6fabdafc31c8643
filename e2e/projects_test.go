package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

const projectsFile = `
projects:
  web: {id: 12345, username: web, secret_file: web.secret}
  shop:
    id: 67890
    timezone: America/Los_Angeles
    time_encoding: shifted
    database: shops/old.db
    tables:
      views: {events: [Page Viewed]}
volumes: {main: data, shops: shops}
`

// Two projects in one worker, each with a separate account, zone and database; the CLI has no file.
func TestProjectsOfAFile(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	web, shop := newProject(projectID, "us", 30), newProject(otherProjectID, "us", 30)
	web.Username, web.Secret = "web", "of-web"
	shop.Username, shop.Secret, shop.Location, shop.ShiftedTimes = "shop", "of-shop", zone, true
	s := newSite(t, embedded, mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{web, shop}, Limits: mixpaneltest.Limits{Off: true},
	}))
	s.set("MP_PROJECT_ID=", "MP_USERNAME=", "MP_SECRET=")
	home := filepath.Dir(s.dir)
	for name, text := range map[string]string{"mixduck.yaml": projectsFile, "web.secret": "of-web\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := append([]string{"run", "--config", filepath.Join(home, "mixduck.yaml")}, s.where()...)
	command(t, s.env, "worker", run...).mustFail(t, 2, "shop", "MIXDUCK_PROJECTS_SHOP_SECRET")
	withSecret := append(slices.Clone(s.env), "MIXDUCK_PROJECTS_SHOP_USERNAME=shop", "MIXDUCK_PROJECTS_SHOP_SECRET=of-shop")
	proctest.Start(t, withSecret, "worker", run...).WaitFor(t, "worker started")

	days := dates(t, "2025-11-01", "2025-11-03")
	from := []string{"fetch", "events", "--from", days.From.String(), "--to", days.To.String()}
	s.enqueue(t, from...).mustFail(t, 3, "web (12345)", "shop (67890)")
	s.fetch(t, days, "--project", "web")
	if j := s.fetch(t, days, "--project", "shop"); j.Database != "shops/old.db" {
		t.Errorf("the database of shop is %s", j.Database)
	}
	compare(t, rowsOf(s.truth(t, projectID, days)), s.rows(t, "12345.db", "events"))
	shops := *s
	shops.dir = filepath.Join(home, "shops")
	want := rowsOf(s.truth(t, otherProjectID, days))
	compare(t, want, shops.rows(t, "old.db", "events"))

	views := s.enqueue(t, "fetch", "events", "views", "--project", "67890", "--from", days.From.String(), "--to", days.To.String(), "--wait")
	if views.code != 0 {
		t.Fatalf("exit code %d: %s", views.code, views.stderr)
	}
	want = slices.DeleteFunc(want, func(r row) bool { return r.Event != "Page Viewed" })
	if len(want) == 0 {
		t.Fatal("Mixpanel has no event for the table")
	}
	compare(t, want, shops.rows(t, "old.db", "views"))
	unknown := s.enqueue(t, append(from, "--project", "4711", "--wait")...)
	unknown.mustFail(t, 3, `this worker does not know project "4711"`)
	if !strings.Contains(unknown.stderr, "try: add it to ") {
		t.Errorf("no hint in %s", unknown.stderr)
	}
}
