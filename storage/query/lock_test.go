package query_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/query"
)

// strangerMain holds a database like a DuckDB shell, until its standard input ends. Its writes stay in the file next
// to the database, because it is killed.
func strangerMain(path string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	for _, statement := range []string{"SET checkpoint_threshold = '1 GB'", "CREATE TABLE strange AS SELECT 42 AS x"} {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startStranger starts a process that holds the database, and returns a function that kills it.
func startStranger(tb testing.TB, path string) (pid int, kill func()) {
	tb.Helper()
	cmd := exec.Command(self(tb), path)
	cmd.Env = []string{childRole + "=stranger"}
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		tb.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		stdin.Close()
	})
	tb.Cleanup(kill)
	var said string
	if _, err := fmt.Fscan(stdout, &said); err != nil || said != "ready" {
		tb.Fatalf("stranger: %s %v", said, err)
	}
	return cmd.Process.Pid, kill
}

func TestStrangerHoldsTheDatabase(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	pid, kill := startStranger(t, path)
	began := time.Now()
	_, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1", LockWait: 100 * time.Millisecond})
	locked, ok := errors.AsType[*storage.LockedError](err)
	if !ok || !errors.Is(err, storage.ErrLocked) || fault.CodeOf(err) != fault.CodeLocked {
		t.Fatalf("error = %v", err)
	}
	if locked.PID != pid || strings.Contains(locked.Command, "/") || locked.Command == "" || locked.Path != path {
		t.Errorf("held by %+v, want %d", locked, pid)
	}
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("it waited for %s only", took)
	}
	answer := make(chan string, 1)
	go func() {
		_, out, err := run(t, query.Request{Database: path, SQL: "SELECT x FROM strange", Format: query.CSV, LockWait: time.Minute})
		answer <- fmt.Sprint(out, err)
	}()
	select {
	case early := <-answer:
		t.Errorf("it did not wait: %s", early)
	case <-time.After(200 * time.Millisecond):
	}
	kill()
	if got := <-answer; got != "x\n42\n<nil>" { // data next to the file was read too
		t.Errorf("got %s", got)
	}
}

func TestQueryWaitsForALoad(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e, err := storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, _, err = run(t, query.Request{Database: path, SQL: "SELECT 1", LockWait: 50 * time.Millisecond})
	if locked, ok := errors.AsType[*storage.LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("error = %v, want that this process holds the database", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errPatience)
	defer cancel()
	if _, err := query.Run(ctx, launcher(t), query.Request{Database: path, SQL: "SELECT 1", LockWait: -1}); !errors.Is(err, errPatience) {
		t.Errorf("error = %v, want the end of patience", err)
	}
	answer := make(chan error, 1)
	go func() {
		_, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1", LockWait: time.Minute})
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

// While queries read, a load waits; queries do not exclude each other.
func TestLoadWaitsForQueries(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	launch := launcher(t)
	reader, writer := io.Pipe()
	launch.Stdout = writer
	first := make(chan error, 1)
	go func() {
		_, err := query.Run(t.Context(), launch, query.Request{Database: path, SQL: "FROM range(100000)", TempDir: t.TempDir()})
		first <- errors.Join(err, writer.Close())
	}()
	if _, err := io.ReadFull(reader, make([]byte, 100)); err != nil { // it is reading now
		t.Fatal(err)
	}
	if _, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1"}); err != nil {
		t.Errorf("a second query: %v", err)
	}
	if _, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: 50 * time.Millisecond}); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("a load: error = %v", err)
	}
	if _, err := io.Copy(io.Discard, reader); err != nil {
		t.Error(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	e, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
}

// Queries of a database that this process has open for reading do not release its lock.
func TestQueryBesideAReaderInThisProcess(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self(t), path)
	cmd.Env = []string{childRole + "=stranger"}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Conflicting lock") {
		t.Errorf("another program could write: %s", out)
	}
}

func TestManyQueriesAtOnce(t *testing.T) {
	t.Parallel()
	path := newFile(t, threeEvents)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, out, err := run(t, query.Request{Database: path, SQL: fmt.Sprintf("SELECT %d AS x, count(*) AS n FROM events", i), Format: query.CSV})
			if want := fmt.Sprintf("x,n\n%d,3\n", i); err != nil || out != want {
				t.Errorf("got %q, %v", out, err)
			}
		})
	}
	group.Wait()
}

// A database in a directory with unusual names, behind a symbolic link.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	odd := t.TempDir() + "/a [b]*' c\\"
	if err := os.Rename(filepath.Dir(newFile(t)), odd); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(filepath.Join(odd, "x.db"), link); err != nil {
		t.Fatal(err)
	}
	for _, format := range []query.Format{query.CSV, query.Parquet} {
		output := filepath.Join(odd, "it's.result")
		if _, _, err := run(t, query.Request{Database: link, SQL: "SELECT 1 AS x", Format: format, Output: output, TempDir: odd}); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}
