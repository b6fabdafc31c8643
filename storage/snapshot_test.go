package storage_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/mounttest"
	"mixduck/storage"
)

// snapshotMain makes a snapshot, like the process that a worker starts for each.
func snapshotMain(ctx context.Context, path string) error {
	s, made, err := storage.TakeSnapshot(ctx, request(path))
	if errors.Is(err, storage.ErrNoRoom) {
		fmt.Println("no room:", err)
		return nil
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	fmt.Println(made, string(text))
	return err
}

func request(path string) storage.SnapshotRequest {
	return storage.SnapshotRequest{Database: path, To: snapshotOf(path), Name: "read/" + filepath.Base(path), Job: "job-7", LockWait: lockWait}
}

func snapshotOf(path string) string {
	return filepath.Join(filepath.Dir(path), "read", filepath.Base(path))
}

// snapshot makes a snapshot in a separate process.
func snapshot(tb testing.TB, path string) (s storage.Snapshot, made bool) {
	tb.Helper()
	c := startChild(tb, "snapshot", path)
	c.lines.Scan()
	verdict, text, _ := strings.Cut(c.lines.Text(), " ")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		tb.Fatalf("the process said %q", c.lines.Text())
	}
	c.stop(tb)
	return s, verdict == "true"
}

// filesIn returns the names in a directory, including hidden ones.
func filesIn(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

const countEvents = "SELECT count(*) FROM events"

func TestSnapshot(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	before := time.Now().Add(-time.Millisecond)
	s, made := snapshot(t, path)
	if !made || s.Path != snapshotOf(path) || s.Job != "job-7" || s.TakenAt.Before(before) {
		t.Errorf("snapshot = %+v, made %v", s, made)
	}
	want(t, "events of the snapshot", query(t, s.Path, countEvents), []string{"10"})
	want(t, "mark", query(t, s.Path, "SELECT name, source, job_id, taken_at = '"+s.TakenAt.Format("2006-01-02 15:04:05.999999")+"' FROM mixduck.snapshot"),
		[]string{"read/" + filepath.Base(path) + "|" + path + "|job-7|true"})
	want(t, "files", filesIn(t, filepath.Dir(s.Path)), []string{"." + filepath.Base(path) + ".snapshot", filepath.Base(path)})
	info, err := os.Stat(s.Path)
	if err != nil || info.Size() != s.Bytes || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("the file has %d bytes and mode %v (%v), want %d and no right to write", info.Size(), info.Mode(), err, s.Bytes)
	}
	known, err := storage.ReadSnapshot(s.Path)
	if err != nil || known == nil || *known != s {
		t.Errorf("ReadSnapshot() = %+v, %v, want %+v", known, err, s)
	}

	if again, made := snapshot(t, path); made || again != s {
		t.Errorf("of an unchanged file: %+v, made %v; want the old one", again, made)
	}
	e = open(t, storage.Config{Path: path})
	load(t, e, window(span(1, 1), events(first+1, 5, "b")))
	closeEngine(t, e)
	if next, made := snapshot(t, path); !made || next.Inode == s.Inode {
		t.Errorf("of a changed file: %+v, made %v; want a new one", next, made)
	}
	want(t, "events of the new snapshot", query(t, s.Path, countEvents), []string{"15"})
}

// A reader of an open snapshot keeps reading all of it, while others see the new one.
func TestSnapshotThatIsReadStays(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 3000, "a")))
	closeEngine(t, e)
	s, _ := snapshot(t, path)
	db, err := sql.Open("duckdb", s.Path+"?access_mode=READ_ONLY")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func() (n int) {
		if err := db.QueryRowContext(t.Context(), "SELECT count(DISTINCT properties::VARCHAR) FROM events").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	had := count()
	for n := range 3 {
		e := open(t, storage.Config{Path: path})
		load(t, e, window(span(0, 1), events(first, 10+n, "b")))
		closeEngine(t, e)
		if _, made := snapshot(t, path); !made {
			t.Error("no new snapshot was made")
		}
		if now := count(); now != had {
			t.Errorf("who reads the old snapshot sees %d rows, before %d", now, had)
		}
	}
}

// Commits of a killed process are in the log next to the file.
func TestSnapshotWithALog(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 2), version(0)))
	closeEngine(t, e)
	c := startChild(t, "loader", "1 "+path)
	c.expect(t, "begin 1")
	c.expect(t, "done 1") // it keeps the file open after an odd number
	c.expect(t, "begin 2")
	c.kill()
	if _, err := os.Stat(path + ".wal"); err != nil {
		t.Fatalf("there is no log to test with: %v", err)
	}
	s, made := snapshot(t, path)
	if !made {
		t.Fatal("no snapshot was made")
	}
	got := query(t, s.Path, "SELECT DISTINCT split_part(insert_id, '-', 1) FROM events")
	want(t, "version", got, query(t, path, "SELECT DISTINCT split_part(insert_id, '-', 1) FROM events"))
	want(t, "files", filesIn(t, filepath.Dir(s.Path)), []string{"." + filepath.Base(path) + ".snapshot", filepath.Base(path)})
}

// If a snapshot is killed at any moment, the old or the new one exists, and the next one cleans up.
func TestKilledInTheMiddleOfASnapshot(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 20000, "a")))
	closeEngine(t, e)
	s, _ := snapshot(t, path)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for n := range 12 {
		e := open(t, storage.Config{Path: path})
		load(t, e, window(span(1, 1), events(first+1, 10+n, "b")))
		closeEngine(t, e)
		c := startChild(t, "snapshot", path)
		timer := time.AfterFunc(time.Duration(random.IntN(150))*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() { // until it has ended
			continue
		}
		timer.Stop()
		c.kill()
		got := query(t, s.Path, "SELECT count(*) FILTER (day = '2026-11-01'), count(*) FILTER (day = '2026-11-02') BETWEEN 0 AND "+strconv.Itoa(10+n)+" FROM events")
		want(t, "events of a snapshot after a kill", got, []string{"20000|true"})
	}
	snapshot(t, path)
	want(t, "events", query(t, s.Path, countEvents), []string{strconv.Itoa(20000 + 21)})
	want(t, "files", filesIn(t, filepath.Dir(s.Path)), []string{"." + filepath.Base(path) + ".snapshot", filepath.Base(path)})
}

// The log of a process that wrote to the old snapshot must not be applied to the new one.
func TestSnapshotThatSomebodyWroteTo(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	s, _ := snapshot(t, path)
	if err := os.WriteFile(s.Path+".wal", []byte("not a log"), 0o600); err != nil {
		t.Fatal(err)
	}
	e = open(t, storage.Config{Path: path})
	load(t, e, window(span(1, 1), events(first+1, 5, "b")))
	closeEngine(t, e)
	snapshot(t, path)
	want(t, "events", query(t, s.Path, countEvents), []string{"15"})
}

func TestSnapshotRefusals(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	t.Run("a database of somebody else", func(t *testing.T) {
		t.Parallel()
		other := filepath.Join(t.TempDir(), "other.db")
		copyFile(t, path, other)
		if err := os.MkdirAll(filepath.Dir(snapshotOf(other)), 0o700); err != nil {
			t.Fatal(err)
		}
		copyFile(t, path, snapshotOf(other))
		_, _, err := storage.TakeSnapshot(t.Context(), request(other))
		if fault.CodeOf(err) != fault.CodeExists {
			t.Errorf("error = %v, want that the file exists", err)
		}
		want(t, "events", query(t, snapshotOf(other), countEvents), []string{"10"})
	})
	t.Run("a stranger writes", func(t *testing.T) {
		t.Parallel()
		other := filepath.Join(t.TempDir(), "held.db")
		copyFile(t, path, other)
		c := startChild(t, "stranger", other)
		c.expect(t, "ready")
		r := request(other)
		r.LockWait = 0
		_, _, err := storage.TakeSnapshot(t.Context(), r)
		locked, ok := errors.AsType[*storage.LockedError](err)
		if !ok || locked.PID != c.cmd.Process.Pid {
			t.Errorf("error = %v, want that process %d holds the file", err, c.cmd.Process.Pid)
		}
		want(t, "files", filesIn(t, filepath.Dir(r.To)), []string{"." + filepath.Base(other) + ".snapshot"})
		c.stop(t)
		if _, made, err := storage.TakeSnapshot(t.Context(), r); !made || err != nil {
			t.Errorf("after the stranger: made %v, %v", made, err)
		}
	})
	t.Run("no database", func(t *testing.T) {
		t.Parallel()
		if _, _, err := storage.TakeSnapshot(t.Context(), request(filepath.Join(t.TempDir(), "none.db"))); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("error = %v, want that there is none", err)
		}
	})
	t.Run("writing to a snapshot", func(t *testing.T) {
		t.Parallel()
		s, _ := snapshot(t, path)
		if err := os.Chmod(s.Path, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := storage.Open(t.Context(), storage.Config{Path: s.Path}); fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "is a snapshot") {
			t.Errorf("error = %v, want that it is a snapshot", err)
		}
		moved := filepath.Join(t.TempDir(), "restored.db")
		copyFile(t, s.Path, moved)
		closeEngine(t, open(t, storage.Config{Path: moved}))
	})
}

func TestSnapshotWithoutRoom(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	read := filepath.Dir(snapshotOf(path))
	if err := os.Mkdir(read, 0o700); err != nil {
		t.Fatal(err)
	}
	mounttest.Small(t, read, "40m")
	s, _ := snapshot(t, path)
	e = open(t, storage.Config{Path: path})
	load(t, e, window(span(1, 1), events(first+1, 100, "b")))
	closeEngine(t, e)
	mounttest.Resize(t, read, "12m")
	_, _, err := storage.TakeSnapshot(t.Context(), request(path))
	if !errors.Is(err, storage.ErrNoRoom) || fault.HintOf(err) == "" {
		t.Errorf("error = %v, want that there is no room, and a hint", err)
	}
	want(t, "files", filesIn(t, read), []string{"." + filepath.Base(path) + ".snapshot", filepath.Base(path)})
	want(t, "events of the old snapshot", query(t, s.Path, countEvents), []string{"10"})
	mounttest.Resize(t, read, "200m")
	if _, made := snapshot(t, path); !made {
		t.Error("no snapshot was made when there was room again")
	}
}

func TestRemoveSnapshot(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	s, _ := snapshot(t, path)
	for range 2 {
		if err := storage.RemoveSnapshot(s.Path); err != nil {
			t.Fatal(err)
		}
		if left := filesIn(t, filepath.Dir(s.Path)); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	if err := storage.RemoveSnapshot(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a file that is no snapshot was removed: %v", err)
	}
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}
