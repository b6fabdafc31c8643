package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/internal/question"
	"mixduck/mixpanel/mixpaneltest"
)

// newSampled makes a site with a project that has sample data of every kind.
func newSampled(t *testing.T, q queue) *site {
	t.Helper()
	p := mixpaneltest.Sample(newProject(projectID, "us", 100), 1, 30)
	return newSite(t, q, mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{p}, Limits: mixpaneltest.Limits{Off: true}}))
}

// mp runs the command of that name to its end.
func (s *site) mp(tb testing.TB, args ...string) result {
	tb.Helper()
	return command(tb, s.env, "mp", append([]string{"--data-dir", s.dir}, args...)...)
}

// Each question has the same answer from mp and, through a worker, from enqueue, and needs no database.
func TestQuestionsToMixpanel(t *testing.T) {
	t.Parallel()
	s := newSampled(t, embedded)
	s.startWorker(t)
	for _, args := range [][]string{
		{"events"},
		{"top-events", "--type", "unique"},
		{"properties", "Purchase", "--limit", "3"},
		{"values", "Purchase", "plan"},
		{"cohorts"},
		{"funnels"},
		{"reports", "--type", "insights"},
		{"annotations"},
		{"lexicon"},
		{"lexicon-properties"},
		{"lookup-tables"},
		{"segmentation", "Purchase", "--from", "3d", "--on", `properties["plan"]`},
		{"segmentation-sum", "Purchase", `properties["price"]`, "--from", "3d"},
		{"segmentation-average", "Purchase", `properties["price"]`, "--from", "3d", "--unit", "hour"},
		{"segmentation-numeric", "Purchase", `properties["price"]`, "--from", "3d"},
		{"event-counts", "Purchase", "Search", "--from", "3d"},
		{"property-counts", "Purchase", "plan", "--from", "3d", "--value", "pro", "--value", "free"},
		{"funnel", "1", "--from", "3d"},
		{"retention", "Search", "Purchase", "--from", "7d", "--intervals", "3"},
		{"report", "301"},
	} {
		args = append([]string{"ask"}, args...)
		direct, queued := s.mp(t, append(args, "--format", "jsonl")...), s.enqueue(t, append(args, "--format", "jsonl")...)
		if direct.code != 0 || direct.stdout == "" || direct.stdout != queued.stdout {
			t.Errorf("%q:\nmp (%d) %s%s\nenqueue (%d) %s%s", args, direct.code, direct.stdout, direct.stderr, queued.code, queued.stdout, queued.stderr)
		}
	}
	for _, format := range []string{"table", "plain", "json", "csv", "parquet", "arrow"} {
		direct, queued := s.mp(t, "ask", "cohorts", "--format", format), s.enqueue(t, "ask", "cohorts", "--format", format)
		if direct.code != 0 || direct.stdout == "" || direct.stdout != queued.stdout {
			t.Errorf("as %s:\nmp (%d) %q %s\nenqueue (%d) %q %s", format, direct.code, direct.stdout, direct.stderr, queued.code, queued.stdout, queued.stderr)
		}
	}
	for known, now := range map[string]string{
		"query segmentation --event Purchase --from 2d": "ask segmentation Purchase --from 2d", "query saved-report 301": "ask report 301", "inspect bookmarks": "ask reports",
	} {
		for _, run := range []func(testing.TB, ...string) result{s.mp, s.enqueue} {
			a, b := run(t, strings.Fields(known)...), run(t, strings.Fields(now)...)
			if a.stdout != b.stdout || a.code != 0 {
				t.Errorf("%s (%d) = %q %s, want %q", known, a.code, a.stdout, a.stderr, b.stdout)
			}
		}
	}
	if _, err := os.Stat(s.path(defaultDatabase)); !os.IsNotExist(err) {
		t.Errorf("there is a database: %v", err)
	}
}

// A question does not wait for jobs of its project, counts in the budget that all workers share, and keeps its rows
// for later.
func TestQuestionsBesideAFetch(t *testing.T) {
	t.Parallel()
	s := newSampled(t, realRedis)
	s.set("MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR=54")
	s.startWorker(t)
	held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte})
	job := s.submit(t, dates(t, "2025-11-01", "2025-11-02"))
	s.waitForState(t, job.ID, "running")
	want := s.ask(t, "ask", "funnels")
	id := strings.TrimSpace(s.ask(t, "ask", "funnels", "--detach"))
	s.ask(t, "jobs", "wait", id)
	if got := s.ask(t, "jobs", "result", id); got != want || !strings.Contains(got, "Purchase") {
		t.Errorf("later: %q, at once: %q", got, want)
	}
	if list := s.ask(t, "jobs", "list", "--kind", "query"); !strings.Contains(list, "ask funnels") {
		t.Errorf("the list does not name the question:\n%s", list)
	}
	if state := s.show(t, job.ID).State; state != "running" {
		t.Errorf("the fetch is %s", state)
	}
	type budget struct {
		API  string `json:"api"`
		Used int    `json:"used_last_hour"`
	}
	var budgets struct {
		budget
		More []budget `json:"more"`
	}
	s.decode(t, &budgets, "budget")
	used := map[string]int{}
	for _, b := range budgets.More {
		used[b.API] = b.Used
	}
	if used["query"] != 2 || used["lexicon"] != 0 {
		t.Errorf("used %v, want 2 queries", used)
	}
	held.Release()
	s.wait(t, job.ID)
}

// Profiles are the same lines from mp and from a worker, also if they are too long for Redis, and need no database.
func TestProfilesOnStdout(t *testing.T) {
	t.Parallel()
	s := newPeople(t, 6000)
	s.startWorker(t)
	for _, args := range [][]string{
		{"--stdout"}, {"--stdout", "--raw"}, {"--stdout", "--group", "9007199254740993"}, {"--stdout", "--distinct-id", "nobody"},
	} {
		args = append([]string{"fetch", "profiles"}, args...)
		direct, queued := s.mp(t, args...), s.enqueue(t, args...)
		if direct.code != 0 || queued.code != 0 || direct.stdout != queued.stdout || direct.stderr != queued.stderr {
			t.Errorf("%q:\nmp (%d) %d bytes, %s\nenqueue (%d) %d bytes, %s", args, direct.code, len(direct.stdout), direct.stderr,
				queued.code, len(queued.stdout), queued.stderr)
		}
		if len(args) == 3 && (strings.Count(direct.stdout, "\n") != 6000 || len(direct.stdout) < 1<<20) {
			t.Errorf("%d lines in %d bytes", strings.Count(direct.stdout, "\n"), len(direct.stdout))
		}
	}
	s.enqueue(t, "fetch", "profiles", "people", "--stdout").mustFail(t, 3, "--stdout fills no table")
	s.enqueue(t, "fetch", "profiles", "--raw").mustFail(t, 3, "--raw only works with --stdout")
	s.enqueue(t, "fetch", "profiles", "--stdout", "--wait").mustFail(t, 3, "--stdout and --wait exclude each other")
	if _, err := os.Stat(s.path(defaultDatabase)); !os.IsNotExist(err) {
		t.Errorf("there is a database: %v", err)
	}
}

// Ctrl-C ends a question at any point: in mp the request, in enqueue the job.
func TestQuestionsAreInterrupted(t *testing.T) {
	t.Parallel()
	s := newSampled(t, embedded)
	s.startWorker(t)
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Call: "funnels/list"})
	for _, program := range []string{"mp", "enqueue"} {
		before := len(s.mixpanel.Queries())
		p := proctest.Start(t, s.env, program, append([]string{"ask", "funnels"}, s.where()...)...)
		eventually(t, "Mixpanel is asked", func() bool { return len(s.mixpanel.Queries()) > before })
		p.Signal(t, syscall.SIGINT)
		if code := p.ExitCode(t); code != 130 {
			t.Errorf("exit code %d of %s", code, program)
		}
	}
	eventually(t, "the job is cancelled", func() bool {
		all := s.list(t, "--kind", "query")
		return len(all) == 1 && all[0].State == "cancelled"
	})
}

// Each example in the help works: only Mixpanel may reject the names in it.
func TestExamplesOfQuestions(t *testing.T) {
	t.Parallel()
	s := newSampled(t, embedded)
	s.set("PATH=" + os.Getenv("PATH"))
	for _, info := range question.List() {
		r := command(t, s.env, "sh", "-c", "mp ask "+info.Example)
		if r.code != 0 && !strings.Contains(r.stderr, "mixpanel answered 400") {
			t.Errorf("%s: exit code %d\n%s", info.Example, r.code, r.stderr)
		}
	}
}
