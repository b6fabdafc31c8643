package query_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/internal/corpustest"
	"mixduck/internal/fault"
	"mixduck/storage/query"
)

const (
	content   = "password,hunter2" // of a file that no query may read
	secretEnv = "correct horse"    // in the environment of the process that runs queries
)

// threeEvents are the rows used in harmless.sql.
const threeEvents = `INSERT INTO events VALUES
	('signup', TIMESTAMP '2026-01-01 10:00:00', 'u1', 'i1', '{"plan": "free", "items": [1, 2], "$os": "iOS"}', DATE '2026-01-01', NULL),
	('purchase', TIMESTAMP '2026-01-02 10:00:00', 'u1', 'i2', '{"plan": "pro", "items": [], "$os": "iOS"}', DATE '2026-01-02', NULL),
	('purchase', TIMESTAMP '2026-01-02 11:00:00', 'u2', 'i3', '{"plan": "pro", "items": [3], "$os": "Android"}', DATE '2026-01-02', NULL)`

func TestHostileStatements(t *testing.T) {
	t.Setenv("MIXDUCK_SECRET", secretEnv)
	database := newFile(t, threeEvents)
	dir := filepath.Dir(database)
	secret := filepath.Join(dir, "secret.csv")
	if err := os.WriteFile(secret, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	temp := t.TempDir()
	t.Run("statements", func(t *testing.T) {
		for _, e := range corpustest.Read(t, "testdata/hostile.sql", "{secret}", secret, "{dir}", dir, "{database}", database) {
			t.Run(e.About, func(t *testing.T) {
				t.Parallel()
				attack(t, e, query.Request{Database: database, SQL: e.SQL, MemoryLimit: 150e6, TempDir: temp, MaxResultBytes: 10e6})
			})
		}
	})
	if after := snapshot(t, dir); !after.equal(before) {
		t.Errorf("the directory holds %v, before it held %v", after.names(), before.names())
	}
	if left := snapshot(t, temp); len(left) != 0 {
		t.Errorf("left behind: %v", left.names())
	}
}

// attack runs a hostile statement and checks the outcome.
func attack(t *testing.T, e corpustest.Statement, req query.Request) {
	t.Helper()
	var out bytes.Buffer
	launch := launcher(t)
	launch.Stdout = &out
	ctx, patience := t.Context(), 3*time.Minute
	if e.Becomes == "endless" {
		patience = time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	_, err := query.Run(ctx, launch, req)
	if text := out.String() + errorText(err); strings.Contains(text, "hunter2") || strings.Contains(text, secretEnv) {
		t.Errorf("read what is secret: %s", text)
	}
	switch e.Becomes {
	case "refused":
		if fault.CodeOf(err) != fault.CodeUsage || errors.Is(err, query.ErrCrashed) {
			t.Errorf("error = %v (%s), want that of a statement that is not allowed", err, fault.CodeOf(err))
		}
	case "endless":
		if !errors.Is(err, errPatience) && !errors.Is(err, query.ErrTooLarge) {
			t.Errorf("error = %v, want the end of patience", err)
		}
	case "bounded":
		if errors.Is(err, errPatience) || errors.Is(err, query.ErrKilled) {
			t.Errorf("error = %v, want that it ends by itself", err)
		}
	default:
		t.Errorf("unknown: %s", e.Becomes)
	}
	t.Log(err)
}

var errPatience = errors.New("no more patience")

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + fault.HintOf(err)
}

func TestHarmlessStatements(t *testing.T) { //nolint:tparallel // the group waits for its statements
	t.Parallel()
	database := newFile(t, threeEvents)
	before := snapshot(t, filepath.Dir(database))
	t.Run("statements", func(t *testing.T) {
		for _, e := range corpustest.Read(t, "testdata/harmless.sql") {
			t.Run(e.About, func(t *testing.T) {
				t.Parallel()
				res, out, err := run(t, query.Request{Database: database, SQL: e.SQL})
				if err != nil {
					t.Fatal(err)
				}
				if want, err := strconv.ParseInt(e.Becomes, 10, 64); err != nil || res.Rows != want {
					t.Errorf("%d rows, want %s:\n%s", res.Rows, e.Becomes, out)
				}
			})
		}
	})
	if after := snapshot(t, filepath.Dir(database)); !after.equal(before) {
		t.Errorf("the directory holds %v, before it held %v", after.names(), before.names())
	}
}

// files maps the files below a directory to their content.
type files map[string]string

func snapshot(tb testing.TB, dir string) files {
	tb.Helper()
	all := files{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func (f files) names() (all []string) {
	for name, content := range f {
		all = append(all, name+" of "+strconv.Itoa(len(content))+" bytes")
	}
	return all
}

func (f files) equal(other files) bool {
	for name, content := range f {
		if other[name] != content {
			return false
		}
	}
	return len(f) == len(other)
}
