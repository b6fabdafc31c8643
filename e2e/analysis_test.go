package e2e

import (
	"os"
	"strings"
	"testing"

	"mixduck/analysis"
)

// Each ready-made question has the same answer from mp and, through a worker, from enqueue, and can be copied as SQL.
func TestReadyMadeQuestions(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 200))
	s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-04")
	s.fetch(t, days)
	given := map[string][]string{
		"active-users": nil,
		"breakdown":    {"event=Page Viewed", "property=plan", "unit=day"},
		"funnel":       {"steps=Page Viewed", "steps=Search", "steps=Purchase", "window=2 days", "property=plan"},
		"retention":    {"born=Page Viewed", "return=Search", "unit=day"},
		"top-events":   {"from=2025-11-03"},
		"trend":        {"events=Search", "events=Übersicht geöffnet"},
	}
	for _, q := range analysis.Questions() {
		params, ok := given[q.Name]
		if !ok {
			t.Errorf("%s is not tried", q.Name)
			continue
		}
		args := []string{"query", "--question", q.Name, "--format", "csv", "--param", "to=2025-11-04"}
		if q.Name != "top-events" {
			args = append(args, "--param", "from=2025-11-01")
		}
		for _, p := range params {
			args = append(args, "--param", p)
		}
		direct, queued := s.mp(t, args...), s.enqueue(t, args...)
		if direct.code != 0 || strings.Count(direct.stdout, "\n") < 4 || direct.stdout != queued.stdout {
			t.Errorf("%q:\nmp (%d) %s%s\nenqueue (%d) %s%s", args, direct.code, direct.stdout, direct.stderr, queued.code, queued.stdout, queued.stderr)
		}
	}
	_, sql, _ := strings.Cut(s.ask(t, "questions", "top-events"), "\n\n--")
	file := s.path("copy.sql")
	if err := os.WriteFile(file, []byte("--"+sql), 0o600); err != nil {
		t.Fatal(err)
	}
	copied := s.enqueue(t, "query", "--file", file, "--param", "from=2025-11-03", "--param", "to=2025-11-04", "--param", "limit=1", "--format", "plain")
	if copied.code != 0 || !strings.HasPrefix(copied.stdout, "Page Viewed\t") {
		t.Errorf("exit code %d: %s%s\nof\n%s", copied.code, copied.stdout, copied.stderr, sql)
	}
	if list := s.ask(t, "questions"); strings.Count(list, "\n") != len(given)+1 {
		t.Errorf("the list:\n%s", list)
	}
	s.enqueue(t, "query", "--question", "funnel").mustFail(t, 3, "needs the parameter steps")
	s.enqueue(t, "query", "--question", "nope").mustFail(t, 3, `there is no question "nope"`)
	s.enqueue(t, "query", "SELECT 1", "--question", "trend").mustFail(t, 3, "the argument and --question")
	s.enqueue(t, "questions", "nope").mustFail(t, 3, `there is no question "nope"`)
}
