package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// program is the path of mp, built once.
var program string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mixduck-mp-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "mp")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// patience is how long a test waits for what should happen soon.
const patience = 60 * time.Second

// site is a Mixpanel to copy from, with a directory for databases.
type site struct {
	mixpanel *mixpaneltest.Server
	dir      string // the home directory
	tmp      string
	env      []string
}

// newSite serves project 12345 with the given number of events per day.
func newSite(tb testing.TB, eventsPerDay int) *site {
	tb.Helper()
	return newSiteOf(tb, mixpaneltest.Generator{Seed: 1, EventsPerDay: eventsPerDay})
}

// newSiteOf is newSite with other data.
func newSiteOf(tb testing.TB, data mixpaneltest.Source) *site {
	tb.Helper()
	return newSiteOfProject(tb, mixpaneltest.Project{Data: data})
}

// newSiteOfProject is newSite with another project. It sets the project's ID, region and credentials.
func newSiteOfProject(tb testing.TB, p mixpaneltest.Project) *site {
	tb.Helper()
	p.ID, p.Region, p.Username, p.Secret = 12345, "us", "sa", "s3cret"
	s := &site{dir: tb.TempDir(), tmp: tb.TempDir(), mixpanel: mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{p}, Limits: mixpaneltest.Limits{Off: true},
	})}
	s.env = []string{
		"HOME=" + s.dir, "TMPDIR=" + s.tmp, "PATH=" + os.Getenv("PATH"),
		"MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID=12345", "MIXDUCK_MIXPANEL_BASE_URL=" + s.mixpanel.URL,
	}
	return s
}

// path returns the default database of the project.
func (s *site) path() string { return filepath.Join(s.dir, ".mp", "data", "12345.db") }

// result is the result of a command.
type result struct {
	code           int
	stdout, stderr string
}

// mp runs the command to its end.
func (s *site) mp(tb testing.TB, args ...string) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &stdout, &stderr
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || ctx.Err() != nil {
		tb.Fatalf("mp %q: %v\n%s", args, errors.Join(err, ctx.Err()), &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// ok runs a command that must succeed, and returns what it printed.
func (s *site) ok(tb testing.TB, args ...string) string {
	tb.Helper()
	r := s.mp(tb, args...)
	if r.code != 0 {
		tb.Fatalf("mp %q: exit code %d\n%s", args, r.code, r.stderr)
	}
	return r.stdout
}

// fails runs a command that must fail with that code and print text on stderr.
func (s *site) fails(tb testing.TB, code int, text string, args ...string) {
	tb.Helper()
	if r := s.mp(tb, args...); r.code != code || !strings.Contains(r.stderr, text) {
		tb.Errorf("mp %q: exit code %d, want %d; stderr %q, want %q", args, r.code, code, r.stderr, text)
	}
}

// nothingIsLeft fails the test if commands have left temporary files.
func (s *site) nothingIsLeft(tb testing.TB) {
	tb.Helper()
	if left, err := os.ReadDir(s.tmp); err != nil || len(left) > 0 {
		tb.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}

// fetch returns the arguments of a fetch of days.
func fetch(from, to string, more ...string) []string {
	return append([]string{"fetch", "events", "--from", from, "--to", to}, more...)
}

// running is a fetch that waits for Mixpanel.
type running struct {
	*exec.Cmd
	held *mixpaneltest.Injection
	end  chan error
}

// hold starts a fetch that keeps the database open and waits for a response, until release is called.
func (s *site) hold(tb testing.TB, more ...string) *running {
	tb.Helper()
	days := day.Range{From: day.New(2025, 11, 5), To: day.New(2025, 11, 5)}
	held, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: days})
	if err != nil {
		tb.Fatal(err)
	}
	r := &running{Cmd: exec.Command(program, fetch("2025-11-05", "2025-11-05", more...)...), held: held, end: make(chan error, 1)}
	r.Env = s.env
	if err := r.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { r.end <- r.Wait() }()
	tb.Cleanup(func() { _ = r.Process.Kill() })
	select {
	case <-held.Reached():
	case err := <-r.end:
		tb.Fatalf("the fetch ended: %v", err)
	case <-time.After(patience):
		tb.Fatal("the fetch asks nothing")
	}
	return r
}

// release lets the fetch continue, which must succeed.
func (r *running) release(tb testing.TB) {
	tb.Helper()
	r.held.Remove()
	select {
	case err := <-r.end:
		if err != nil {
			tb.Errorf("the fetch: %v", err)
		}
	case <-time.After(patience):
		tb.Error("the fetch does not end")
	}
}

// locked returns the lines that say who holds a database.
func locked(path string, pid int) string {
	return fmt.Sprintf("Database locked: %s\nHeld by PID: %d\nAnother mp command may be running. Try again shortly.\n", path, pid)
}
