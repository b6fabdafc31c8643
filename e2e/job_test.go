package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"mixduck/internal/day"
)

// job contains the fields of --format json that tests use.
type job struct {
	ID            string     `json:"id"`
	State         string     `json:"state"`
	Database      string     `json:"database"`
	Rows          int        `json:"rows"`
	Duplicates    int        `json:"duplicates"`
	Quarantined   int        `json:"quarantined"`
	WindowsDone   int        `json:"windows_done"`
	WindowsTotal  int        `json:"windows_total"`
	Requests      int        `json:"requests"`
	Attempts      int        `json:"attempts"`
	DaysPublished int        `json:"days_published"`
	Error         *jobError  `json:"error"`
	Note          string     `json:"note"`
	StartedAt     *time.Time `json:"started_at"`
	FinishedAt    *time.Time `json:"finished_at"`
	RunAt         *time.Time `json:"run_at"`
}

type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// job reads the object printed by a command.
func (r result) job(tb testing.TB) job {
	tb.Helper()
	var j job
	if err := json.Unmarshal([]byte(r.stdout), &j); err != nil {
		tb.Fatalf("exit code %d, stdout is no job: %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return j
}

// fetchArgs returns the arguments of a fetch of days.
func fetchArgs(days day.Range, more ...string) []string {
	return append([]string{"fetch", "events", "--from", days.From.String(), "--to", days.To.String(), "--format", "json", "--quiet"}, more...)
}

// submit submits a fetch and does not wait for it.
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

// show returns the state of a job.
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

// list returns all jobs selected by flags.
func (s *site) list(tb testing.TB, flags ...string) (all []job) {
	tb.Helper()
	r := s.enqueue(tb, append([]string{"jobs", "list", "--format", "json"}, flags...)...)
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || r.code != 0 {
		tb.Fatalf("exit code %d of jobs list: %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return all
}
