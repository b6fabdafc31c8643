package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// Streams can be fetched into a database that is deleted at the end, with a query, like events.
func TestStreamsInAPrivateDatabase(t *testing.T) {
	t.Parallel()
	s := newPeople(t, 150)
	for _, mode := range []string{"--ephemeral", "--in-memory"} {
		r := command(t, s.env, "mp", "fetch", "profiles", mode, "--query", "SELECT count(*) AS n FROM profiles", "--format", "json")
		if r.code != 0 || !strings.Contains(r.stdout, `{"n":150}`) || !strings.Contains(r.stderr, "150 added") {
			t.Errorf("%s: exit code %d\n%s%s", mode, r.code, r.stdout, r.stderr)
		}
		r = command(t, s.env, "mp", "fetch", "profiles", mode, "--format", "json")
		if r.code != 0 || !strings.HasPrefix(r.stdout, `{"path":"",`) {
			t.Errorf("%s: exit code %d\n%s%s", mode, r.code, r.stdout, r.stderr)
		}
	}
	for _, args := range [][]string{
		{"profiles", "--ephemeral", "--in-memory"},
		{"cohorts", "--ephemeral", "--path", filepath.Join(s.dir, "x.db")},
		{"cohorts", "--query", "SELECT 1"},
		{"profiles", "--stdout", "--adopt"},
		{"all", "--in-memory", "--query", "DELETE FROM cohorts"},
	} {
		if r := command(t, s.env, "mp", append([]string{"fetch"}, args...)...); r.code != 3 {
			t.Errorf("%q: exit code %d\n%s", args, r.code, r.stderr)
		}
	}
	if files, err := filepath.Glob(filepath.Join(s.dir, "*.db")); err != nil || len(files) > 0 {
		t.Errorf("databases are left: %q, %v", files, err)
	}
}
