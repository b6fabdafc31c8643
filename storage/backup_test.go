package storage_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

const wholeEvents = "SELECT event_name, event_time, distinct_id, insert_id, properties, day, processed_at FROM events ORDER BY ALL"

func backup(tb testing.TB, path, to, job string) error {
	tb.Helper()
	return storage.Backup(tb.Context(), storage.Config{Path: path, LockWait: lockWait}, to, job)
}

func TestBackupHoldsEverythingAndCanTakeThePlace(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 2), events(first, 3000, "a"), "no event\n", events(first+1, 20, "b")))
	if err := e.Promote(t.Context(), "events", []storage.Promotion{{Property: "time", Type: "BIGINT"}}, 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	to := filepath.Join(t.TempDir(), "it's there", "copy.db")
	if err := backup(t, path, to, "job-b"); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		wholeEvents, "FROM _metadata", "FROM mixduck.receipts ORDER BY ALL", "FROM mixduck.coverage ORDER BY ALL",
		"FROM mixduck.quarantine ORDER BY ALL", "FROM mixduck.promoted", "FROM mixduck.fence", "FROM mixduck.schema_version",
		"SELECT DISTINCT compression FROM pragma_storage_info('events') WHERE column_name = 'properties' ORDER BY ALL",
	} {
		want(t, q, query(t, to, q), query(t, path, q))
	}
	want(t, "backups", query(t, to, "SELECT job_id, source FROM mixduck.backups"), []string{"job-b|" + path})
	restored := open(t, storage.Config{Path: to})
	load(t, restored, window(span(2, 1), events(first+2, 5, "c")))
	closeEngine(t, restored)
	want(t, "rows after the next load", counts(t, to), []string{"2026-11-01|3000", "2026-11-02|20", "2026-11-03|5"})
	want(t, "files beside the copy", fileNames(t, filepath.Dir(to)), []string{"copy.db", "copy.db.lock", "copy.db.turn"})
}

func TestBackupIsMadeOnce(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 3, "a")))
	closeEngine(t, e)
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := backup(t, path, to, "job-b"); err != nil {
		t.Fatal(err)
	}
	if err := backup(t, path, to, "job-b"); err != nil {
		t.Errorf("the same job again: %v", err)
	}
	if err := backup(t, path, to, "job-c"); fault.CodeOf(err) != fault.CodeExists {
		t.Errorf("another job: %v, want that the file exists", err)
	}
	if err := backup(t, path, path, "job-d"); fault.CodeOf(err) != fault.CodeExists {
		t.Errorf("onto itself: %v, want that the file exists", err)
	}
	want(t, "backups", query(t, to, "SELECT job_id FROM mixduck.backups"), []string{"job-b"})
}

func TestBackupThatIsCutOffLeavesNoFile(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 50_000, "a")))
	closeEngine(t, e)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "copy.db.job-b.X.copying"), []byte("left by a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	to := filepath.Join(dir, "copy.db")
	if err := storage.Backup(ctx, storage.Config{Path: path, LockWait: lockWait}, to, "job-b"); !errors.Is(err, reason) {
		t.Errorf("Backup() = %v, want %v", err, reason)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("there is a copy")
	}
	if err := backup(t, path, to, "job-b"); err != nil {
		t.Errorf("again: %v", err)
	}
	want(t, "files", fileNames(t, dir), []string{"copy.db"})
}

func TestBackupOfNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := backup(t, filepath.Join(dir, "no.db"), filepath.Join(dir, "copy.db"), "job-b")
	if !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Backup() = %v, want ErrNotFound", err)
	}
	err = backup(t, filepath.Join(dir, "no.db"), filepath.Join(dir, "no.db.turn"), "job-b")
	if fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("Backup() to a lock = %v, want a usage error", err)
	}
	want(t, "files", fileNames(t, dir), nil)
}

func TestBackupWaitsForALoad(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	err := storage.Backup(t.Context(), storage.Config{Path: path}, filepath.Join(t.TempDir(), "copy.db"), "job-b")
	if !errors.Is(err, storage.ErrLocked) {
		t.Errorf("Backup() beside a writer = %v, want ErrLocked", err)
	}
	closeEngine(t, e)
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	if err := backup(t, path, filepath.Join(t.TempDir(), "copy.db"), "job-b"); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("Backup() beside a reader of this process = %v, want ErrLocked", err)
	}
	closeEngine(t, reader)
}

// fileNames returns the names in a directory.
func fileNames(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
