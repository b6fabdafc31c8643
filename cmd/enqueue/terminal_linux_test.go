package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"mixduck/cmd/internal/console"
	"mixduck/internal/cli"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// openTerminal returns both ends of a terminal with the given width.
func openTerminal(tb testing.TB, width uint16) (person, program *os.File) {
	tb.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		tb.Skipf("no terminals here: %v", err)
	}
	tb.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		tb.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { program.Close() })
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width}); err != nil {
		tb.Fatal(err)
	}
	return person, program
}

// TestTerminal waits for a job with stderr on a terminal, and stdout elsewhere.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		environ string
		shows   string
	}{
		{"one line is redrawn", "TERM=xterm", console.ClearLine + "running, 1/3 windows"},
		{"without colours nothing is redrawn", "NO_COLOR=1", " running"},
		{"nor on a terminal that cannot", "TERM=dumb", " running"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, t.TempDir(), t.Cleanup)
			person, program := openTerminal(t, 40)
			var stdout strings.Builder
			exited := make(chan int)
			go func() {
				exited <- run(context.Background(), &cli.Process{
					Args:    []string{"--data-dir", s.dir, "fetch", "events", "--from", "2025-01-01", "--wait", "--where", "block"},
					Environ: []string{"MP_PROJECT_ID=12345", tt.environ},
					Stdout:  &stdout, Stderr: program,
				})
				program.Close() // ends what the person reads
			}()
			id := <-s.started
			screen := bufio.NewReader(person)
			var seen strings.Builder
			for !strings.Contains(seen.String(), tt.shows) {
				b, err := screen.ReadByte()
				if err != nil {
					t.Fatalf("%v after %q", err, seen.String())
				}
				seen.WriteByte(b)
			}
			s.release <- struct{}{}
			if code := <-exited; code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if redraws := strings.Contains(seen.String(), "\x1b"); redraws != strings.Contains(tt.shows, "\x1b") {
				t.Errorf("screen = %q", seen.String())
			}
			if !strings.HasPrefix(stdout.String(), string(jobs.StateDone)+": ") {
				t.Errorf("stdout = %q, want the result of job %s", stdout.String(), id)
			}
		})
	}
}

// Ctrl-C at a prompt ends it at once, and nothing is deleted.
func TestPromptIsInterrupted(t *testing.T) {
	t.Parallel()
	s := startService(t, t.TempDir(), t.Cleanup)
	person, program := openTerminal(t, 80)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	exited := make(chan int)
	go func() {
		code := run(ctx, &cli.Process{
			Args: []string{"--data-dir", s.dir, "inspect", "drop", "events"}, Environ: []string{"MP_PROJECT_ID=12345"},
			Stdin: program, Stdout: io.Discard, Stderr: program,
		})
		fmt.Fprintln(program, "ended")
		exited <- code
	}()
	var seen strings.Builder
	for screen := bufio.NewReader(person); !strings.Contains(seen.String(), "ended"); {
		b, err := screen.ReadByte()
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.WriteByte(b)
		if strings.HasSuffix(seen.String(), "Type yes to continue: ") {
			cancel()
		}
	}
	if code := <-exited; code != 130 || !strings.Contains(seen.String(), "interrupted: nothing was deleted") {
		t.Errorf("exit code %d, screen %q", code, seen.String())
	}
	list, err := s.queue.List(context.Background(), queue.Filter{})
	if err != nil || len(list) > 0 {
		t.Errorf("jobs = %v, %v", list, err)
	}
}

func TestListOnATerminalFits(t *testing.T) {
	t.Parallel()
	_, program := openTerminal(t, 50)
	width, ok := console.TerminalWidth(program)
	if !ok || width != 50 {
		t.Errorf("console.TerminalWidth() = %d, %t, want 50, true", width, ok)
	}
	if _, ok := console.TerminalWidth(&strings.Builder{}); ok {
		t.Error("a builder is no terminal")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, ok := console.TerminalWidth(null); ok {
		t.Error("a file is no terminal")
	}
}
