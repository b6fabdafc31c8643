package e2e

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/corpustest"
)

// statements returns those of a file in storage/query/testdata with a given outcome, by description.
func statements(tb testing.TB, file, becomes string, replace ...string) map[string]string {
	tb.Helper()
	found := map[string]string{}
	for _, st := range corpustest.Read(tb, filepath.Join("..", "storage", "query", "testdata", file), replace...) {
		if st.Becomes == becomes {
			found[st.About] = st.SQL
		}
	}
	if len(found) < 6 {
		tb.Fatalf("%s has %d statements that are %s", file, len(found), becomes)
	}
	return found
}

// Statements that package query rejects are rejected on every path.
func TestHostileStatementsAreRefused(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	secret := filepath.Join(s.dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("password,hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, requests := s.fingerprint(t), len(s.mixpanel.Requests())
	t.Cleanup(func() {
		if n := len(s.mixpanel.Requests()); n != requests {
			t.Errorf("%d requests were spent on statements that are refused", n-requests)
		}
		if s.fingerprint(t) != before {
			t.Error("the database has changed")
		}
	})
	for about, sql := range statements(t, "hostile.sql", "refused", "{secret}", secret, "{dir}", s.dir, "{database}", s.path(defaultDatabase)) {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "statement.sql")
			if err := os.WriteFile(file, []byte(sql), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, r := range map[string]result{
				"enqueue":  s.enqueue(t, "query", "--file", file),
				"mp":       command(t, s.env, "mp", "query", "--file", file, "--path", s.path(defaultDatabase)),
				"mp fetch": command(t, s.env, "mp", "fetch", "events", "--from", "2025-11-01", "--to", "2025-11-01", "--ephemeral", "--query", sql),
			} {
				if r.code != 3 || strings.Contains(r.stdout+r.stderr, "hunter2") {
					t.Errorf("%s: exit code %d, want 3\n%s%s", name, r.code, r.stdout, r.stderr)
				}
			}
		})
	}
}

// Limits of package query apply on every path, and exceeding them harms nothing else.
func TestBombsEndThemselvesOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 100))
	s.set("MIXDUCK_QUERY_MEMORY_LIMIT=150MB")
	w := s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
	for becomes, timeout := range map[string]string{"bounded": "1s", "endless": "300ms"} { // an endless statement only wastes its time
		for about, sql := range statements(t, "hostile.sql", becomes, "{secret}", "/etc/passwd") {
			for name, r := range map[string]result{
				"enqueue": s.enqueue(t, "query", sql, "--timeout", timeout, "--format", "csv"),
				"mp":      command(t, s.env, "mp", "query", sql, "--timeout", timeout, "--format", "csv", "--path", s.path(defaultDatabase)),
			} {
				ended := r.code == 0 || r.code == 1 || r.code == 3
				if becomes == "endless" {
					ended = r.code == 1
				}
				if !ended || strings.Contains(r.stdout+r.stderr, "root:") {
					t.Errorf("%s: %s: exit code %d\n%.200s%s", name, about, r.code, r.stdout, r.stderr)
				}
			}
		}
	}
	if got := s.ask(t, "query", "SELECT count(*) FROM events", "--format", "plain"); got != "200\n" {
		t.Errorf("afterwards: %q", got)
	}
	if w.HasEnded() {
		t.Error("the worker has ended")
	}
}

// fingerprint returns one of the default database.
func (s *site) fingerprint(tb testing.TB) [sha256.Size]byte {
	tb.Helper()
	return fingerprint(tb, s.path(defaultDatabase))
}

// fingerprint returns a hash of a file.
func fingerprint(tb testing.TB, path string) [sha256.Size]byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return sha256.Sum256(b)
}
