package flight

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"mixduck/internal/corpustest"
	"mixduck/internal/proctest"
)

// Statements that package query rejects are rejected here, too, run and prepared. The others of the corpus end within
// the limits of a query, and harm nothing else. make test runs every third of the rejected ones, and runs or prepares every
// fifth of all; package query runs all of them.
func TestHostileStatements(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{MemoryLimit: 150e6, MaxResult: 10e6, Concurrency: 4}, nil, "main/a.db")
	path, secret := filepath.Join(f.dir, "a.db"), filepath.Join(f.dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("password,hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := fingerprint(t, path)
	all := corpustest.Read(t, "../../storage/query/testdata/hostile.sql", "{secret}", secret, "{dir}", f.dir, "{database}", path)
	t.Cleanup(func() {
		if fingerprint(t, path) != before {
			t.Error("the database has changed")
		}
		if got, err := f.read(context.WithoutCancel(t.Context()), "SELECT 42 AS a"); err != nil || !strings.Contains(got, "42") {
			t.Errorf("afterwards: %s, %v", got, err)
		}
		if files, err := os.ReadDir(f.server.cfg.Dir); err != nil || len(files) > 0 {
			t.Errorf("%d files are left, %v", len(files), err)
		}
		if used := f.server.service.disk.used.Load(); used != 0 {
			t.Errorf("%d bytes are counted for results that are gone", used)
		}
	})
	for i, st := range all {
		full := i%5 == 0 || proctest.Soak()
		if !full && (st.Becomes != "refused" || i%3 > 0) {
			continue
		}
		t.Run(st.About, func(t *testing.T) {
			t.Parallel()
			attack(t, f, st, full)
		})
	}
}

func attack(t *testing.T, f *fixture, st corpustest.Statement, prepare bool) {
	t.Helper()
	ctx := t.Context()
	if st.Becomes == "endless" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	got, err := f.read(ctx, st.SQL)
	said := got
	if err != nil {
		said += err.Error()
	}
	switch code := status.Code(err); {
	case strings.Contains(said, "hunter2"):
		t.Errorf("it has read what is secret: %s", said)
	case st.Becomes == "refused" && code != codes.InvalidArgument:
		t.Errorf("error = %v, want that the statement is not allowed", err)
	case st.Becomes == "endless" && code != codes.DeadlineExceeded && code != codes.ResourceExhausted:
		t.Errorf("error = %v, want that it took too long", err)
	}
	if st.Becomes != "refused" || !prepare {
		return
	}
	if p, err := f.Prepare(t.Context(), st.SQL); status.Code(err) != codes.InvalidArgument {
		t.Errorf("prepared: %v, %v, want that the statement is not allowed", p, err)
	}
}

func fingerprint(tb testing.TB, path string) [sha256.Size]byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return sha256.Sum256(b)
}
