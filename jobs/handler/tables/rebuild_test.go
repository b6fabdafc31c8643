package tables_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/handler/tables"
	"mixduck/jobs/queue"
	"mixduck/storage"
)

// volume is a directory of databases, and a queue that receives their content.
type volume struct {
	*testing.T
	dir       string
	queue     *queue.Queue
	rebuilder *tables.Rebuilder
	log       bytes.Buffer
}

func newVolume(t *testing.T) *volume {
	t.Helper()
	v := &volume{T: t, dir: t.TempDir()}
	var err error
	if v.queue, err = queue.New(proctest.NewRedis(t).Client(t), queue.Config{}); err != nil {
		t.Fatal(err)
	}
	locate := func(database string) (storage.Config, error) {
		return storage.Config{Path: v.path(strings.TrimPrefix(database, "main/")), LockWait: time.Minute}, nil
	}
	v.rebuilder = tables.NewRebuilder([]tables.Volume{{Name: "main", Dir: v.dir}}, locate, v.queue, slog.New(slog.NewTextHandler(&v.log, nil)))
	return v
}

func (v *volume) path(name string) string { return filepath.Join(v.dir, filepath.FromSlash(name)) }

func (v *volume) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// rebuild reports what the queue does not know yet, and checks which databases were locked.
func (v *volume) rebuild(only []string, locked ...string) {
	v.Helper()
	known, err := v.queue.CopyTables(v.Context())
	v.must(err)
	got, err := v.rebuilder.Rebuild(v.Context(), known, only)
	v.must(err)
	if diff := cmp.Diff(locked, got, cmpopts.EquateEmpty()); diff != "" {
		v.Errorf("locked databases (-want +got):\n%s", diff)
	}
}

// want checks which databases' tables the queue knows.
func (v *volume) want(what string, databases ...string) {
	v.Helper()
	known, err := v.queue.CopyTables(v.Context())
	v.must(err)
	got := map[string]int64{}
	for database, all := range known {
		got[database] = all[0].Rows
	}
	want := map[string]int64{}
	for _, database := range databases {
		want[database] = 2
	}
	if diff := cmp.Diff(want, got); diff != "" {
		v.Errorf("rows of databases %s (-want +got):\n%s", what, diff)
	}
}

func TestManyDatabasesAreReadAgain(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.must(fill(t.Context())(v.path("000.db")))
	want := []string{"main/000.db"}
	for n := 1; n < 200; n++ {
		name := fmt.Sprintf("%03d.db", n)
		v.must(os.Link(v.path("000.db"), v.path(name)))
		want = append(want, "main/"+name)
	}
	v.rebuild(nil)
	v.want("after a loss", want...)
	all, err := v.queue.Tables(t.Context())
	v.must(err)
	if s := all[0]; s.Table != "events" || s.Complete != 1 || s.Quarantined != 2 || !s.SucceededAt.Equal(now) {
		t.Errorf("table %+v; want what the database holds, and that a fetch has ended well when it was fetched", s)
	}
}

// Known databases are read again only if they were written to since, possibly into the log of a killed process.
func TestDatabasesThatChangedAreReadAgain(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.must(fill(t.Context())(v.path("a.db")))
	v.rebuild(nil)
	v.want("at first", "main/a.db")
	known, err := v.queue.CopyTables(t.Context())
	v.must(err)
	readAt := known["main/a.db"][0].ReadAt
	v.must(os.Chtimes(v.path("a.db"), readAt, readAt.Add(-time.Hour)))
	changed := func() bool {
		v.rebuild(nil)
		known, err := v.queue.CopyTables(t.Context())
		v.must(err)
		before := readAt
		readAt = known["main/a.db"][0].ReadAt
		return !readAt.Equal(before)
	}
	if changed() {
		t.Error("a database was read again that nobody has written to")
	}
	v.must(os.WriteFile(v.path("a.db.wal"), nil, 0o600))
	v.must(os.Chtimes(v.path("a.db.wal"), readAt, readAt.Add(time.Second)))
	if !changed() {
		t.Error("a database with a newer log was not read again")
	}
}

// Redis can lose single keys, and an older version wrote no day maps.
func TestDatabasesWithoutDayMapsAreReadAgain(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.must(fill(t.Context())(v.path("a.db")))
	a := &jobs.Attempt{Fence: 7, Record: jobs.Record{Kind: jobs.KindEdit, Database: "main/a.db"}}
	v.must(v.queue.ReportTables(t.Context(), a, jobs.TableReport{Tables: []jobs.TableState{{Table: "events", Rows: 2}}}))
	for _, key := range []string{"mixduck:{days}:written", "mixduck:{days}:of:main/a.db"} {
		v.must(v.queue.Engine().Redis.Del(t.Context(), key).Err())
	}
	v.rebuild(nil)
	days, err := v.queue.Days(t.Context(), "main/a.db", "events")
	v.must(err)
	if got, want := days.String(), "2026-10-30 U0U0C1!M1P1!"; got != want {
		t.Errorf("day map = %q, want %q", got, want)
	}
}

func TestALockedDatabaseIsReadLater(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.must(fill(t.Context())(v.path("free.db")))
	v.must(fill(t.Context())(v.path("sub/held.db")))
	e, err := storage.Open(t.Context(), storage.Config{Path: v.path("sub/held.db")})
	v.must(err)
	v.rebuild(nil, "main/sub/held.db")
	v.want("while one is locked", "main/free.db")
	v.must(e.Close())
	v.rebuild([]string{"main/sub/held.db"})
	v.want("afterwards", "main/free.db", "main/sub/held.db")
}

func TestOnlyTheNamedDatabasesAreRead(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.must(fill(t.Context())(v.path("a.db")))
	v.must(fill(t.Context())(v.path("b.db")))
	v.rebuild([]string{"main/b.db"})
	v.want("of which one was named", "main/b.db")
}

// A backup is a copy of its source's data. Once it replaces its source, it is no longer a copy.
func TestBackupsAreLeftOut(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.must(fill(t.Context())(v.path("a.db")))
	for _, name := range []string{"monday.db", "sub/tuesday.db"} {
		v.must(storage.Backup(t.Context(), storage.Config{Path: v.path("a.db")}, v.path(name), "job-"+filepath.Base(name)))
	}
	v.must(os.WriteFile(v.path("broken.db"), []byte(strings.Repeat("no database", 1000)), 0o600))
	v.rebuild(nil)
	v.want("beside backups", "main/a.db")
	if log := v.log.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "database=main/broken.db") {
		t.Errorf("the log should name the database that cannot be read:\n%s", log)
	}

	restored := newVolume(t)
	restored.dir = v.dir
	v.must(os.Rename(v.path("monday.db"), v.path("a.db")))
	v.must(fill(t.Context())(v.path("sub/tuesday.db")))
	restored.rebuilder = tables.NewRebuilder([]tables.Volume{{Name: "main", Dir: v.dir}}, func(database string) (storage.Config, error) {
		return storage.Config{Path: v.path(strings.TrimPrefix(database, "main/"))}, nil
	}, restored.queue, slog.New(slog.DiscardHandler))
	restored.rebuild(nil)
	restored.want("of which one was restored and one fetched into", "main/a.db", "main/sub/tuesday.db")
}
