package storage_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// childRole is the environment variable that makes the test binary one of the processes below.
const childRole = "MIXDUCK_STORAGE_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := childMain(role, os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// A check creates a database or two. `make soak` runs hundreds.
	rapidtest.Checks(8)
	goleak.VerifyTestMain(m) // parses the flags
}

// childMain acts as a process of the given role until its standard input ends. It prints what it has done on standard
// output.
func childMain(role string, args []string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	path := args[0]
	role, unprivileged := strings.CutPrefix(role, unprivilegedPrefix)
	if unprivileged {
		if err := dropPrivileges(); err != nil {
			return err
		}
	}
	switch role {
	case "reader", "writer":
		e, err := storage.Open(ctx, storage.Config{Path: path, ReadOnly: role == "reader"})
		if err != nil {
			return err
		}
		fmt.Println("ready")
		<-ctx.Done()
		return e.Close()
	case "stranger": // any other program that opens the file with DuckDB
		db, err := sql.Open("duckdb", path)
		if err != nil {
			return err
		}
		if err := db.PingContext(ctx); err != nil {
			return err
		}
		fmt.Println("ready")
		<-ctx.Done()
		return db.Close()
	case "readers":
		return readersMain(ctx, path)
	case "loader":
		return loaderMain(ctx, path)
	case "snapshot":
		return snapshotMain(ctx, path)
	case "refresher":
		return refresherMain(ctx, path)
	case "compactor":
		return compactorMain(ctx, path)
	case "promoter":
		return promoterMain(ctx, path)
	case "refiller":
		return storage.Refill(ctx, storage.Config{Path: path, LockWait: lockWait}, "events", nil, 0, func(p storage.FillProgress) { fmt.Println("changed", p.Changed) })
	default:
		return fmt.Errorf("unknown role %s", role)
	}
}

// unprivilegedPrefix is put before a role that root's rights would make useless.
const unprivilegedPrefix = "unprivileged "

// dropPrivileges makes a process of root one of nobody.
func dropPrivileges() error {
	if os.Geteuid() != 0 {
		return nil
	}
	const nobody = 65534
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
}

// readersMain opens and closes the file for reading in four goroutines.
func readersMain(ctx context.Context, path string) error {
	var ready sync.Once
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				e, err := storage.Open(ctx, storage.Config{Path: path, ReadOnly: true, LockWait: time.Minute})
				if err != nil {
					if ctx.Err() == nil {
						fmt.Println("reader:", err)
					}
					return
				}
				ready.Do(func() { fmt.Println("ready") })
				if err := e.Close(); err != nil {
					fmt.Println("reader:", err)
				}
			}
		})
	}
	group.Wait()
	return nil
}

// child is a running process of the test binary.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	ended bool
}

func startChild(tb testing.TB, role string, args ...string) *child {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	c := &child{cmd: exec.Command(exe, args...)}
	c.cmd.Env = append(os.Environ(), childRole+"="+role)
	c.cmd.Stderr = os.Stderr
	stdin, errIn := c.cmd.StdinPipe()
	stdout, errOut := c.cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		tb.Fatal(errIn, errOut)
	}
	c.stdin, c.lines = stdin, bufio.NewScanner(stdout)
	if err := c.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.kill)
	return c
}

// expect waits until the child says text, and fails the test if it says anything else.
func (c *child) expect(tb testing.TB, text string) {
	tb.Helper()
	if !c.lines.Scan() || c.lines.Text() != text {
		tb.Fatalf("child said %q, want %q", c.lines.Text(), text)
	}
}

// stop lets the child come to its end and returns what it still had to say.
func (c *child) stop(tb testing.TB) string {
	tb.Helper()
	c.stdin.Close()
	var said strings.Builder
	for c.lines.Scan() {
		said.WriteString(c.lines.Text() + "\n")
	}
	c.ended = true
	if err := c.cmd.Wait(); err != nil {
		tb.Fatalf("child: %v\n%s", err, &said)
	}
	return said.String()
}

// kill ends the child as kill -9 does, if it still runs.
func (c *child) kill() {
	if !c.ended {
		c.ended = true
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}
