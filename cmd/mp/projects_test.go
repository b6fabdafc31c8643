package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// mp finds a project of the file by name or ID: its account, its database, and the settings of its tables.
func TestProjectsOfAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50)
	s.mixpanel = mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{
			{ID: 12345, Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}},
			{ID: 77, Region: "us", Username: "app", Secret: "of-app", Data: mixpaneltest.Generator{Seed: 2, EventsPerDay: 50}},
		},
		Limits: mixpaneltest.Limits{Off: true},
	})
	text := `
projects:
  web: {id: 12345}
  app: {id: 77, username: app, secret_file: secret, database: eu/app.db, tables: {views: {events: [Page Viewed]}}}
volumes: {main: data, eu: eu}
`
	file := filepath.Join(s.dir, "mixduck.yaml")
	for name, text := range map[string]string{file: text, filepath.Join(s.dir, "secret"): "of-app\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(s.env, "MP_PROJECT_ID=", "MIXDUCK_MIXPANEL_BASE_URL="+s.mixpanel.URL, "MIXDUCK_CONFIG="+file)
	for _, dir := range []string{"data", "eu"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}

	s.fails(t, 3, "web (12345), app (77)", fetch("2025-01-01", "2025-01-02")...)
	s.fails(t, 3, `unknown project "ap"`, "query", "SELECT 1", "--project", "ap")
	s.ok(t, fetch("2025-01-01", "2025-01-02", "--project", "web")...)
	s.ok(t, "fetch", "events", "views", "--from", "2025-01-01", "--to", "2025-01-02", "--project", "77")
	for _, path := range []string{"data/12345.db", "eu/app.db"} {
		if _, err := os.Stat(filepath.Join(s.dir, path)); err != nil {
			t.Error(err)
		}
	}
	if names := s.ok(t, "query", "SELECT DISTINCT event_name FROM views", "--project", "app", "--format", "csv"); strings.TrimSpace(names) != "event_name\nPage Viewed" {
		t.Errorf("views holds %q", names)
	}
}
