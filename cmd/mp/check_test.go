package main_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  mixpaneltest.Fault
		code   int
		failed string // the check that must fail, "" for none
	}{
		{"all is well", mixpaneltest.Fault{}, 0, ""},
		{"wrong credentials", mixpaneltest.Fault{Kind: mixpaneltest.Refused, Status: http.StatusUnauthorized}, 2, "credentials"},
		{"no role in the project", mixpaneltest.Fault{Kind: mixpaneltest.Refused, Status: http.StatusForbidden}, 2, "credentials"},
		{"wrong region", mixpaneltest.Fault{Kind: mixpaneltest.Refused, Text: "Invalid project id for cluster"}, 3, "region"},
		{"plan without export", mixpaneltest.Fault{Kind: mixpaneltest.Status402}, 1, "plan"},
		{"over quota", mixpaneltest.Fault{Kind: mixpaneltest.OverQuota}, 5, "export"},
		{"down", mixpaneltest.Fault{Kind: mixpaneltest.Status503}, 1, "export"},
		{"cut off", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, AfterLines: 5}, 1, "export"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 2000)
			if tt.fault.Kind != "" {
				if _, err := s.mixpanel.Inject(tt.fault); err != nil {
					t.Fatal(err)
				}
			}
			r := s.mp(t, "check")
			if r.code != tt.code {
				t.Errorf("exit code %d, want %d\n%s%s", r.code, tt.code, r.stdout, r.stderr)
			}
			var failed []string
			for line := range strings.Lines(r.stdout) {
				if name, ok := strings.CutPrefix(line, "failed "); ok {
					name, _, _ = strings.Cut(strings.TrimSpace(name), ":")
					failed = append(failed, name)
				}
			}
			if got := strings.Join(failed, ", "); got != tt.failed {
				t.Errorf("failed checks: %q, want %q\n%s", got, tt.failed, r.stdout)
			}
			if n := len(s.mixpanel.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			s.nothingIsLeft(t)
			if _, err := os.Stat(s.path()); !os.IsNotExist(err) {
				t.Errorf("the database was made: %v", err)
			}
		})
	}
}

func TestCheckOfAProjectWithoutEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	if _, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody}); err != nil {
		t.Fatal(err)
	}
	if out := s.ok(t, "check"); !strings.Contains(out, "warning  export: no events") {
		t.Errorf("no warning in\n%s", out)
	}
	if n := len(s.mixpanel.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestCheckOfFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	file := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.mp(t, "check", "--path", file, "--format", "json")
	var got struct {
		OK     bool `json:"ok"`
		Checks []struct{ Name, State string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code == 0 || got.OK {
		t.Fatalf("exit code %d, %v: %s", r.code, err, r.stdout)
	}
	for _, c := range got.Checks {
		if (c.State == "failed") != (c.Name == "database") {
			t.Errorf("%s is %s", c.Name, c.State)
		}
	}
	if r := s.mp(t, "check", "--path", filepath.Join(file, "below", "y.db")); r.code != 1 || !strings.Contains(r.stdout, "not a directory") {
		t.Errorf("a file in place of a directory: exit code %d\n%s", r.code, r.stdout)
	}
}

// A database that is being written to is not a failure: a fetch can wait for it.
func TestCheckOfALockedDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	held := s.hold(t)
	if out := s.ok(t, "check"); !strings.Contains(out, "warning  database: ") || !strings.Contains(out, strconv.Itoa(held.Process.Pid)) {
		t.Errorf("the process that holds the database is not named:\n%s", out)
	}
	held.release(t)
	if out := s.ok(t, "check"); !strings.Contains(out, "ok       database: ") {
		t.Errorf("the database is not readable:\n%s", out)
	}
}

// A database of another program is readable, but a fetch needs a flag: the check says so.
func TestCheckOfADatabaseOfAnotherProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t, 10)
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE _metadata (table_name VARCHAR)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out := s.ok(t, "check", "--path", path); !strings.Contains(out, "warning  database: ") || !strings.Contains(out, "--adopt") {
		t.Errorf("no warning in\n%s", out)
	}
}
