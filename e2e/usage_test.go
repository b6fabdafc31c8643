package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mixduck/internal/day"
)

// atOnce is how long the report of a mistake may take: the machine may be busy.
const atOnce = 10 * time.Second

func TestSenselessRequestsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	outside := t.TempDir()
	if err := os.Symlink(outside, s.path("out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "gone.db"), s.path("gone.db")); err != nil {
		t.Fatal(err)
	}
	tomorrow := (day.Of(time.Now().UTC()) + 2).String()
	november := []string{"fetch", "events", "--from", "2025-11-01", "--to", "2025-11-02"}
	events := func(args ...string) []string { return append(slices.Clip(november), args...) }
	for _, tt := range []struct {
		name string
		args []string
		text string // in the error
	}{
		{"reversed dates", []string{"fetch", "events", "--from", "2025-11-10", "--to", "2025-11-01"}, "before"},
		{"a day to come", []string{"fetch", "events", "--from", "2025-11-01", "--to", tomorrow}, "future"},
		{"only days to come", []string{"fetch", "events", "--from", tomorrow, "--to", tomorrow}, "future"},
		{"no date", []string{"fetch", "events", "--from", "2025-11-31"}, "2025-11-31"},
		{"no range", []string{"fetch", "events"}, "--from"},
		{"a table with a semicolon", []string{"fetch", "events", "x; DROP TABLE events", "--from", "2025-11-01"}, "not a valid table name"},
		{"a table with a quote", []string{"fetch", "events", `ev"ents`, "--from", "2025-11-01"}, "not a valid table name"},
		{"a table with an umlaut", []string{"fetch", "events", "ereignüsse", "--from", "2025-11-01"}, "not a valid table name"},
		{"a table of ours", []string{"fetch", "events", "mixduck_x", "--from", "2025-11-01"}, "reserved"},
		{"two tables", []string{"fetch", "events", "a", "b", "--from", "2025-11-01"}, "one table"},
		{"a database above", events("--database", "../x.db"), "leaves"},
		{"a database above by a detour", events("--database", "eu/../../x.db"), "leaves"},
		{"an absolute database", events("--database", filepath.Join(outside, "x.db")), "leaves"},
		{"a database in a linked directory", events("--database", "out/x.db"), "outside the data directory"},
		{"a database that is a link to nothing", events("--database", "gone.db"), "link without a target"},
		{"a database among our files", events("--database", ".mixduck/x.db"), "hidden"},
		{"two modes", events("--append", "--replace"), "exclude each other"},
		{"no project id", events("--project", "12th"), "12th"},
		{"an unknown flag", events("--ferst"), "--ferst"},
		{"a flag without a value", []string{"fetch", "events", "--from"}, "--from"},
		{"a value that is none", events("--format", "yaml"), "yaml"},
		{"a timeout of nothing to wait for", events("--timeout", "1s"), "--wait"},
		{"an unknown command", []string{"fetsch"}, "fetsch"},
		{"no job", []string{"jobs", "show"}, "requires a job id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := s.enqueue(t, tt.args...)
			r.mustFail(t, 3, tt.text)
			if r.took > atOnce {
				t.Errorf("the answer took %s", r.took)
			}
			if r.stdout != "" {
				t.Errorf("stdout = %q, want nothing", r.stdout)
			}
		})
	}
	t.Cleanup(func() { // after the parallel tests
		if n := len(s.mixpanel.Requests()); n > 0 {
			t.Errorf("Mixpanel was asked %d times", n)
		}
		if found, err := filepath.Glob(filepath.Join(outside, "*")); err != nil || len(found) > 0 {
			t.Errorf("outside the data directory there is %s (%v)", found, err)
		}
	})
}

func TestUnknownJob(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	for _, verb := range []string{"show", "wait", "cancel", "retry"} {
		s.enqueue(t, "jobs", verb, "01KAMG2M7E6Y4T0Q0N8Z5R3V9C").mustFail(t, 4, "no such job")
	}
}

func TestNoQueue(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 10))
	days := dates(t, "2025-11-01", "2025-11-02")
	s.enqueue(t, fetchArgs(days)...).mustFail(t, 1, "no worker is running", "try: run 'worker run --data-dir "+s.dir)
	s.enqueue(t, "jobs", "list").mustFail(t, 1, "no worker is running", "worker run")
	s.startWorker(t).Kill()
	s.enqueue(t, fetchArgs(days)...).mustFail(t, 1, "no worker is running", "worker run")
	s.enqueue(t, append(fetchArgs(days), "--redis-url", "redis://127.0.0.1:1")...).mustFail(t, 1, "127.0.0.1:1", "Redis")
}

func TestSettingsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, env string
		text      string // in the error
	}{
		{"an unknown variable", "MIXDUCK_WORKER_CONCURENCY=4", "MIXDUCK_WORKER_CONCURENCY"},
		{"a number that is none", "MIXDUCK_WORKER_CONCURRENCY=many", "many"},
		{"a region that is none", "MP_REGION=mars", "mars"},
		{"a zone that is none", "MP_TIMEZONE=Mars/Olympus", "Mars/Olympus"},
		{"a base URL that is none", "MIXDUCK_MIXPANEL_BASE_URL=data.mixpanel.com", "base URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, embedded, newMixpanel(t, 10))
			s.set(tt.env)
			command(t, s.env, "worker", append([]string{"run"}, s.where()...)...).mustFail(t, 3, tt.text)
		})
	}
	t.Run("a flag that is none", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, embedded, newMixpanel(t, 10))
		command(t, s.env, "worker", "run", "--data-dri", s.dir).mustFail(t, 3, "--data-dri", "worker run --help")
		command(t, s.env, "worker", "rum").mustFail(t, 3, "rum")
	})
}
