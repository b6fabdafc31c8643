package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// site is an installation: a data directory, a queue, and a Mixpanel to copy from.
type site struct {
	dir      string       // of the data
	redis    *redisServer // nil for the embedded queue
	mixpanel *mixpaneltest.Server
	env      []string // of all programs
}

// newSite makes a site without a worker.
func newSite(tb testing.TB, q queue, m *mixpaneltest.Server) *site {
	tb.Helper()
	s := &site{dir: filepath.Join(tb.TempDir(), "data"), mixpanel: m, env: []string{
		"HOME=" + tb.TempDir(), "TMPDIR=" + tb.TempDir(),
		"MP_USERNAME=" + username, "MP_SECRET=" + password, "MP_PROJECT_ID=" + strconv.Itoa(projectID), "MP_REGION=us",
		"MIXDUCK_MIXPANEL_BASE_URL=" + m.URL, "MIXDUCK_MIXPANEL_IDLE_TIMEOUT=20s",
		"MIXDUCK_WORKER_RETRY_BACKOFF=50ms", "MIXDUCK_LOG_LEVEL=debug",
	}}
	if q == realRedis {
		s.redis = newRedis(tb)
	}
	return s
}

// newEmbeddedSite makes a site with the embedded queue, and a worker that runs.
func newEmbeddedSite(tb testing.TB, eventsPerDay int) *site {
	tb.Helper()
	s := newSite(tb, embedded, newMixpanel(tb, eventsPerDay))
	s.startWorker(tb)
	return s
}

// set adds to the environment of all programs that are started later; what comes last counts.
func (s *site) set(env ...string) { s.env = append(s.env, env...) }

// where are the flags that tell where data and queue are.
func (s *site) where() []string {
	args := []string{"--data-dir", s.dir}
	if s.redis != nil {
		args = append(args, "--redis-url", s.redis.url())
	}
	return args
}

// launchWorker starts a worker; it may fail.
func (s *site) launchWorker(tb testing.TB) *process {
	tb.Helper()
	return start(tb, s.env, "worker", append([]string{"run"}, s.where()...)...)
}

// startWorker starts a worker and waits until it works.
func (s *site) startWorker(tb testing.TB) *process {
	tb.Helper()
	p := s.launchWorker(tb)
	p.waitFor(tb, "worker started")
	return p
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// enqueue runs the command to its end.
func (s *site) enqueue(tb testing.TB, args ...string) result {
	tb.Helper()
	return command(tb, s.env, "enqueue", append(s.where(), args...)...)
}

// command runs any program to its end, with exactly that environment.
func command(tb testing.TB, env []string, name string, args ...string) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	if len(env) == 0 {
		cmd.Env = []string{"NOTHING="} // nil would mean that of the test
	}
	began := time.Now()
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || ctx.Err() != nil {
		tb.Fatalf("%s %q: %v\n%s", name, args, errors.Join(err, ctx.Err()), &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

// job is what tests look at of the object that --format json prints.
type job struct {
	ID           string     `json:"id"`
	State        string     `json:"state"`
	Database     string     `json:"database"`
	Rows         int        `json:"rows"`
	Duplicates   int        `json:"duplicates"`
	Quarantined  int        `json:"quarantined"`
	WindowsDone  int        `json:"windows_done"`
	WindowsTotal int        `json:"windows_total"`
	Requests     int        `json:"requests"`
	Attempts     int        `json:"attempts"`
	Error        *jobError  `json:"error"`
	Note         string     `json:"note"`
	StartedAt    *time.Time `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at"`
	RunAt        *time.Time `json:"run_at"`
}

type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// job reads the object that a command has printed.
func (r result) job(tb testing.TB) job {
	tb.Helper()
	var j job
	if err := json.Unmarshal([]byte(r.stdout), &j); err != nil {
		tb.Fatalf("exit code %d, stdout is no job: %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return j
}

// fetchArgs are the arguments of a fetch of days.
func fetchArgs(days day.Range, more ...string) []string {
	return append([]string{"fetch", "events", "--from", days.From.String(), "--to", days.To.String(), "--format", "json", "--quiet"}, more...)
}

// submit asks for a fetch and does not wait for it.
func (s *site) submit(tb testing.TB, days day.Range, more ...string) job {
	tb.Helper()
	r := s.enqueue(tb, fetchArgs(days, more...)...)
	if r.code != 0 {
		tb.Fatalf("exit code %d of a fetch\n%s", r.code, r.stderr)
	}
	return r.job(tb)
}

// fetch fetches days, which must succeed.
func (s *site) fetch(tb testing.TB, days day.Range, more ...string) job {
	tb.Helper()
	r := s.enqueue(tb, fetchArgs(days, append(more, "--wait")...)...)
	if r.code != 0 {
		tb.Fatalf("exit code %d of a fetch\n%s%s", r.code, r.stdout, r.stderr)
	}
	return r.job(tb)
}

// show returns how a job stands.
func (s *site) show(tb testing.TB, id string) job {
	tb.Helper()
	r := s.enqueue(tb, "jobs", "show", id, "--format", "json")
	if r.code != 0 {
		tb.Fatalf("exit code %d of jobs show\n%s", r.code, r.stderr)
	}
	return r.job(tb)
}

// wait waits for a job, which must succeed.
func (s *site) wait(tb testing.TB, id string) job {
	tb.Helper()
	r := s.enqueue(tb, "jobs", "wait", id, "--format", "json", "--quiet")
	if r.code != 0 {
		tb.Fatalf("exit code %d of jobs wait\n%s%s", r.code, r.stdout, r.stderr)
	}
	return r.job(tb)
}

// waitForState waits until a job is in one of the states.
func (s *site) waitForState(tb testing.TB, id string, state string) job {
	tb.Helper()
	var j job
	eventually(tb, "job "+id+" is "+state, func() bool {
		j = s.show(tb, id)
		return j.State == state
	})
	return j
}

// list returns all jobs that flags select.
func (s *site) list(tb testing.TB, flags ...string) (all []job) {
	tb.Helper()
	r := s.enqueue(tb, append([]string{"jobs", "list", "--format", "json"}, flags...)...)
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || r.code != 0 {
		tb.Fatalf("exit code %d of jobs list: %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return all
}

// walkFiles calls fn with each file below dir, which may be missing.
func walkFiles(dir string, fn func(path string)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			fn(path)
		}
		return err
	})
}
