package query_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage/query"
)

// childOf returns the process of a query of this process, found by the file that it writes to.
func childOf(tb testing.TB, dir string) int {
	tb.Helper()
	for range 2000 {
		all, err := os.ReadDir("/proc")
		if err != nil {
			tb.Fatal(err)
		}
		for _, d := range all {
			cwd, err := os.Readlink("/proc/" + d.Name() + "/cwd")
			if err == nil && strings.HasPrefix(cwd, dir) {
				var pid int
				if _, err := fmt.Sscan(d.Name(), &pid); err == nil {
					return pid
				}
			}
		}
		<-time.After(5 * time.Millisecond)
	}
	tb.Fatal("the query has no process")
	return 0
}

func TestKilledFromOutside(t *testing.T) {
	t.Parallel()
	path, temp := newFile(t), t.TempDir()
	ended := make(chan error, 1)
	go func() {
		_, _, err := run(t, query.Request{Database: path, TempDir: temp, SQL: "SELECT levenshtein(repeat('ab', 500000), repeat('ba', 500000))"})
		ended <- err
	}()
	if err := syscall.Kill(childOf(t, temp), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, query.ErrKilled) || fault.CodeOf(err) != fault.CodeFailed || fault.HintOf(err) == "" {
		t.Errorf("error = %v", err)
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	_, _, err := run(t, query.Request{Database: path, SQL: "SELECT json_structure(repeat('[', 100000) || repeat(']', 100000))"})
	if !errors.Is(err, query.ErrCrashed) || !strings.Contains(err.Error(), "SIGSEGV") || fault.CodeOf(err) != fault.CodeFailed {
		t.Errorf("error = %v", err)
	}
	if _, _, err := run(t, query.Request{Database: path, SQL: "SELECT 1"}); err != nil {
		t.Errorf("after a crash: %v", err)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for name, sql := range map[string]string{
		"of DuckDB":           "SELECT list(x) FROM range(100000000) AS t(x)",
		"besides it":          "SELECT length(repeat('x', 3000000000))",
		"that it forgets":     "SELECT len(range(1000000000))",
		"that does not spill": "SELECT max(length(x)) FROM (SELECT string_agg(range::VARCHAR, ',') AS x FROM range(200000000))",
	} {
		_, _, err := run(t, query.Request{Database: path, SQL: sql, MemoryLimit: 200e6})
		if !errors.Is(err, query.ErrOutOfMemory) || fault.CodeOf(err) != fault.CodeFailed || fault.HintOf(err) == "" {
			t.Errorf("memory %s: error = %v", name, err)
		}
	}
}

// Data that does not fit into memory goes to disk, but only up to the limit.
func TestSpill(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	const sorted = "SELECT sum(n) AS n FROM (SELECT row_number() OVER (ORDER BY hash(range), x) AS n FROM (SELECT range, hash(range + 1)::VARCHAR || 'padding padding padding' AS x FROM range(1500000)))"
	req := query.Request{Database: path, SQL: sorted, Format: query.CSV, MemoryLimit: 150e6}
	if _, out, err := run(t, req); err != nil || out != "n\n1125000750000\n" {
		t.Errorf("got %q, %v", out, err)
	}
	req.MaxTempBytes = 10e6
	if _, _, err := run(t, req); !errors.Is(err, query.ErrOutOfMemory) {
		t.Errorf("with too little disk: error = %v", err)
	}
}

func TestNobodyReadsTheResult(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, format := range []query.Format{query.CSV, query.Parquet} {
		launch := launcher(t)
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		launch.Stdout = writer
		reader.Close()
		_, err = query.Run(t.Context(), launch, query.Request{Database: path, SQL: "SELECT uuid() FROM range(1000000)", Format: format, TempDir: t.TempDir()})
		if !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%s: error = %v", format, err)
		}
		writer.Close()
	}
}

// parentMain runs an endless query.
func parentMain(path, temp string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	launch := query.Launcher{Exe: exe, Env: []string{childRole + "=child"}, Stdout: io.Discard}
	const silent = "SELECT levenshtein(repeat('ab', 500000), repeat('ba', 500000))" // a query that writes rows would end when nobody reads them
	_, err = query.Run(context.Background(), launch, query.Request{Database: path, TempDir: temp, SQL: silent})
	return err
}

func TestQueryDiesWithItsParent(t *testing.T) {
	t.Parallel()
	path, temp := newFile(t), t.TempDir()
	cmd := exec.Command(self(t), path, temp)
	cmd.Env = []string{childRole + "=parent"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child, err := os.FindProcess(childOf(t, temp))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for range 1000 {
		if child.Signal(syscall.Signal(0)) != nil {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Error("the query's process still lives")
}

// Output of DuckDB in a place that Child does not know is not a result.
func TestChildThatSaysNothing(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, exe := range []string{"/bin/true", "/bin/false"} {
		_, err := query.Run(t.Context(), query.Launcher{Exe: exe}, query.Request{Database: path, SQL: "SELECT 1"})
		if err == nil {
			t.Errorf("%s made a result", exe)
		}
	}
	_, err := query.Run(t.Context(), query.Launcher{Exe: "/nowhere"}, query.Request{Database: path, SQL: "SELECT 1"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no program: error = %v", err)
	}
}
