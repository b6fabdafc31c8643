package query_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"go.uber.org/goleak"

	"mixduck/storage"
	"mixduck/storage/query"
)

// childRole is the environment variable that makes the test binary one of the processes below.
const childRole = "MIXDUCK_QUERY_TEST_ROLE"

// childExe is the program of children; "" is the test binary.
var childExe string

func TestMain(m *testing.M) {
	switch role := os.Getenv(childRole); role {
	case "":
		os.Exit(testMain(m))
	case "child":
		os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	case "stranger":
		exit(strangerMain(os.Args[1]))
	case "parent":
		exit(parentMain(os.Args[1], os.Args[2]))
	case "readers":
		exit(readersMain(os.Args[1], os.Args[2]))
	}
}

func testMain(m *testing.M) int {
	if raceDetector {
		dir, err := os.MkdirTemp("", "mixduck-query-*")
		if err != nil {
			fmt.Println(err)
			return 1
		}
		defer os.RemoveAll(dir)
		childExe = filepath.Join(dir, "child")
		if out, err := exec.Command("go", "build", "-o", childExe, "./testdata/child").CombinedOutput(); err != nil {
			fmt.Printf("%v\n%s", err, out)
			return 1
		}
	}
	if code := m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func exit(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// self returns the path of the test binary.
func self(tb testing.TB) string {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return exe
}

// launcher returns a launcher of children.
func launcher(tb testing.TB) query.Launcher {
	tb.Helper()
	if childExe != "" {
		return query.Launcher{Exe: childExe}
	}
	return query.Launcher{Exe: self(tb), Env: []string{childRole + "=child"}}
}

// run runs a query and returns what it wrote to its standard output.
func run(tb testing.TB, req query.Request) (query.Result, string, error) {
	tb.Helper()
	var out bytes.Buffer
	launch := launcher(tb)
	launch.Stdout = &out
	if req.TempDir == "" {
		req.TempDir = tb.TempDir()
	}
	res, err := query.Run(tb.Context(), launch, req)
	return res, out.String(), err
}

// newFile makes a database with Mixduck's tables and runs statements.
func newFile(tb testing.TB, statements ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.db")
	e, err := storage.Open(tb.Context(), storage.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := e.Prepare(tb.Context(), storage.Table{Name: "events", Project: "1", Job: "job-1"}); err != nil {
		tb.Fatal(err)
	}
	if err := e.Close(); err != nil {
		tb.Fatal(err)
	}
	execute(tb, path, statements...)
	return path
}

// execute opens a file like any other program, runs the statements and closes it.
func execute(tb testing.TB, path string, statements ...string) {
	tb.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(tb.Context(), statement); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}
