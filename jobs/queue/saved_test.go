package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
)

// saved returns the names and statements of all saved questions.
func saved(t jobstest.Rig, q *queue.Queue) (lines []string) {
	t.Helper()
	all, err := q.SavedQuestions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		lines = append(lines, s.Name+": "+s.SQL)
	}
	return lines
}

func wantSaved(t jobstest.Rig, q *queue.Queue, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, saved(t, q)); diff != "" {
		t.Errorf("saved questions, -want +got:\n%s", diff)
	}
}

func question(name, sql string) jobs.SavedQuestion {
	return jobs.SavedQuestion{Name: name, Database: "main/x.db", SQL: sql}
}

func TestSavedQuestions(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		q := jobstest.NewQueue(t, t.Rdb)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		wantSaved(t, q)
		must(q.SaveQuestion(t.Context(), question("b", "1")))
		must(q.SaveQuestion(t.Context(), question("A", "2")))
		must(q.SaveQuestion(t.Context(), question("b", "3")))
		wantSaved(t, q, "A: 2", "b: 3")
		older, err := q.CopySaved(t.Context())
		must(err)
		must(q.RemoveQuestion(t.Context(), "A"))
		must(q.SaveQuestion(t.Context(), question("b", "4")))
		must(q.RestoreSaved(t.Context(), older)) // nothing in it is newer
		wantSaved(t, q, "b: 4")
		if err := q.RemoveQuestion(t.Context(), "A"); !errors.Is(err, jobs.ErrNoQuestion) {
			t.Errorf("removed twice: %v", err)
		}
		newer, err := q.CopySaved(t.Context())
		must(err)
		must(t.Rdb.FlushAll(t.Context()).Err())
		must(q.RestoreSaved(t.Context(), older))
		must(q.RestoreSaved(t.Context(), newer))
		wantSaved(t, q, "b: 4")
		must(q.SaveQuestion(t.Context(), question("A", "5")))
		wantSaved(t, q, "A: 5", "b: 4")
	})
}

func TestSavedQuestionsHaveLimits(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		q := jobstest.NewQueue(t, t.Rdb)
		for _, bad := range []jobs.SavedQuestion{question("", "1"), question("x", ""), question(strings.Repeat("x", 101), "1"), question("a\u202eb", "1"), question("a\nb", "1"), question("\xff", "1")} {
			if err := q.SaveQuestion(t.Context(), bad); fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("%q: %v", bad.Name, err)
			}
		}
		if err := q.SaveQuestion(t.Context(), question("long", strings.Repeat("x", 200<<10))); err != nil {
			t.Fatal(err)
		}
		if err := q.SaveQuestion(t.Context(), question("more", strings.Repeat("x", 60<<10))); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("too long together: %v", err)
		}
		if err := q.SaveQuestion(t.Context(), question("long", strings.Repeat("y", 250<<10))); err != nil {
			t.Errorf("replacing the long one: %v", err)
		}
	})
}

// Two people who save at the same time do not lose each other's questions.
func TestQuestionsAreSavedTogether(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		q := jobstest.NewQueue(t, t.Rdb)
		var saving sync.WaitGroup
		for i := range 8 {
			saving.Go(func() {
				if err := q.SaveQuestion(t.Context(), question(fmt.Sprintf("q%d", i), "1")); err != nil {
					t.Error(err)
				}
			})
		}
		saving.Wait()
		if n := len(saved(t, q)); n != 8 {
			t.Errorf("%d questions were saved, want 8", n)
		}
	})
}
