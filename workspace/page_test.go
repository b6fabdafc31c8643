package workspace_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// The tests in this file are those of docs/storage-page.md.

// library is a Mixpanel and a directory, as used by a program that imports the package.
type library struct {
	client *mixpanel.Client
	fake   *mixpaneltest.Server
	dir    string
}

func newLibrary(tb testing.TB) *library {
	tb.Helper()
	fake := mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{{
			ID: projectID, Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Generator{Seed: 1, EventsPerDay: 50},
		}},
		Now: func() time.Time { return now }, Limits: mixpaneltest.Limits{Off: true},
	})
	client, err := mixpanel.New(mixpanel.Config{BaseURL: fake.URL, Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.CloseIdleConnections)
	return &library{client: client, fake: fake, dir: tb.TempDir()}
}

// open opens a workspace, which is closed at the end of the test.
func (l *library) open(tb testing.TB, db storage.Config) *workspace.Workspace {
	tb.Helper()
	ws, err := workspace.New(workspace.Config{
		Project: workspace.Project{ID: projectID}, Database: db, Now: func() time.Time { return now },
	}, l.client, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := ws.Close(); err != nil {
			tb.Error(err)
		}
	})
	return ws
}

func (l *library) path() string { return filepath.Join(l.dir, "my.db") }

func fetchTwoDays(tb testing.TB, ws *workspace.Workspace) {
	tb.Helper()
	r := workspace.FetchRequest{Table: "events", Days: day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 2)}}
	if _, err := ws.FetchEvents(tb.Context(), r, func(workspace.Progress) {}); err != nil {
		tb.Fatal(err)
	}
}

// countEvents returns the rows of table events.
func countEvents(ctx context.Context, ws *workspace.Workspace) (n int, err error) {
	rows, err := ws.SQL(ctx, "SELECT count(*) FROM events")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		err = rows.Scan(&n)
	}
	return n, errors.Join(err, rows.Err())
}

func mustCount(tb testing.TB, ws *workspace.Workspace, want int) {
	tb.Helper()
	if n, err := countEvents(tb.Context(), ws); err != nil || n != want {
		tb.Errorf("%d rows, %v; want %d", n, err, want)
	}
}

func TestPagePersistent(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	ws := l.open(t, storage.Config{Path: l.path()})
	fetchTwoDays(t, ws)
	if err := ws.Close(); err != nil {
		t.Fatal(err)
	}
	again := l.open(t, storage.Config{Path: l.path(), ReadOnly: true})
	mustCount(t, again, 100)
	tables, err := again.Tables(t.Context())
	if err != nil || len(tables) != 1 || tables[0].Rows != 100 || tables[0].Days.Len() != 2 {
		t.Errorf("Tables() = %+v, %v", tables, err)
	}
}

func TestPageEphemeralAndInMemory(t *testing.T) {
	t.Parallel()
	for mode, name := range map[storage.Mode]string{storage.Ephemeral: "ephemeral", storage.InMemory: "in memory"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			ws := l.open(t, storage.Config{Mode: mode})
			fetchTwoDays(t, ws)
			mustCount(t, ws, 100)
			if err := ws.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := countEvents(t.Context(), ws); !errors.Is(err, workspace.ErrClosed) {
				t.Errorf("after Close: %v, want ErrClosed", err)
			}
		})
	}
}

func TestPageNothingIsOpenedBeforeItIsNeeded(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	ws := l.open(t, storage.Config{Path: l.path()})
	if names, err := ws.Events(t.Context()); err != nil || len(names) == 0 {
		t.Errorf("Events() = %v, %v", names, err)
	}
	if _, err := ws.Segmentation(t.Context(), mixpanel.SegmentationRequest{
		Event: "Page Viewed", Days: day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 2)},
	}); err != nil {
		t.Errorf("Segmentation() = %v", err)
	}
	if _, err := ws.Funnels(t.Context()); err != nil {
		t.Errorf("Funnels() = %v", err)
	}
	if left, err := os.ReadDir(l.dir); err != nil || len(left) > 0 {
		t.Errorf("files are there before they are needed: %v, %v", left, err)
	}
	fetchTwoDays(t, ws)
	if _, err := os.Stat(l.path()); err != nil {
		t.Error(err)
	}
}

func TestPageCloseReleasesTheLock(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	ws := l.open(t, storage.Config{Path: l.path()})
	fetchTwoDays(t, ws)
	reader := l.open(t, storage.Config{Path: l.path(), ReadOnly: true})
	_, err := reader.Tables(t.Context())
	locked, ok := errors.AsType[*storage.LockedError](err)
	if !errors.Is(err, storage.ErrLocked) || !ok || locked.PID != os.Getpid() {
		t.Errorf("reading beside a writer: %v, want ErrLocked with our PID", err)
	}
	for range 2 { // the second call does nothing
		if err := ws.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustCount(t, reader, 100)
	if err := ws.Drop(t.Context(), "events"); !errors.Is(err, workspace.ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}

func TestPageWorkspacesOfOneProcessShareAFile(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	one, other := l.open(t, storage.Config{Path: l.path()}), l.open(t, storage.Config{Path: l.path()})
	fetchTwoDays(t, one)
	mustCount(t, other, 100)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	mustCount(t, other, 100)
}

func TestPageReadOnly(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	ws := l.open(t, storage.Config{Path: l.path(), ReadOnly: true})
	if _, err := ws.Tables(t.Context()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("reading what is not there: %v, want ErrNotFound", err)
	}
	writer := l.open(t, storage.Config{Path: l.path()})
	fetchTwoDays(t, writer)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	second := l.open(t, storage.Config{Path: l.path(), ReadOnly: true})
	mustCount(t, ws, 100)
	mustCount(t, second, 100) // concurrently
	if err := ws.Drop(t.Context(), "events"); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("Drop() = %v, want ErrReadOnly", err)
	}
	r := workspace.FetchRequest{Table: "events", Days: day.Range{From: day.New(2026, 11, 3), To: day.New(2026, 11, 3)}}
	if _, err := ws.FetchEvents(t.Context(), r, func(workspace.Progress) {}); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("FetchEvents() = %v, want ErrReadOnly", err)
	}
	rows, err := ws.SQL(t.Context(), "CREATE TABLE x (a INT)")
	if err == nil {
		defer rows.Close()
		t.Errorf("a table was made in a database that is open for reading: %v", rows.Err())
	}
}

func TestStreamEmitsEachLineOnce(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	ws := l.open(t, storage.Config{Path: l.path()})
	days := day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 4)}
	if _, err := l.fake.Inject(mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, Days: days, Times: 2}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	n, err := ws.Stream(t.Context(), workspace.FetchRequest{Days: days}, func(line []byte) error {
		seen[string(line)]++
		return nil
	})
	if err != nil || n != 200 || len(seen) != 200 {
		t.Errorf("%d lines, %d different, %v; want 200", n, len(seen), err)
	}
	if _, err := os.Stat(l.path()); err == nil {
		t.Error("a stream has made a database")
	}
}
