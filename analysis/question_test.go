package analysis_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/analysis"
	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/storage/query"
)

// TestQuestions reads the files of the program.
func TestQuestions(t *testing.T) {
	t.Parallel()
	var names []string
	for _, q := range analysis.Questions() {
		names = append(names, q.Name)
		if q.Check != "" {
			if _, err := question.Find(q.Check); err != nil {
				t.Errorf("%s: %v", q.Name, err)
			}
		}
		if err := query.Check(t.Context(), q.SQL); err != nil {
			t.Errorf("%s: a query may not run it: %v", q.Name, err)
		}
		if found, err := analysis.Find(q.Name); err != nil || found.Title != q.Title {
			t.Errorf("%s: %v, %v", q.Name, found, err)
		}
	}
	if want := []string{"active-users", "breakdown", "funnel", "retention", "top-events", "trend"}; !cmp.Equal(names, want) {
		t.Errorf("the questions are %q, want %q", names, want)
	}
	if _, err := analysis.Find("nope"); fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fault.HintOf(err), "active-users, breakdown") {
		t.Errorf("an unknown question: %v (%s)", err, fault.HintOf(err))
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	const today = 20499 // 2026-02-15
	q, err := analysis.Find("funnel")
	if err != nil {
		t.Fatal(err)
	}
	given := func(changes map[string][]string) map[string][]string {
		all := map[string][]string{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "steps": {`A "1"`, "B, C"}}
		maps.Copy(all, changes)
		return all
	}
	got, err := q.Values(given(map[string][]string{"window": {""}}), today)
	want := map[string]string{
		"from": "2026-01-01", "to": "2026-01-31", "steps": `["A \"1\"","B, C"]`, "window": "7 days", "order": "specific", "property": "",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for days, want := range map[[2]string]string{
		{"", ""}: "2026-01-16 2026-02-14", {"7d", "today"}: "2026-02-08 2026-02-15", {"2026-01", "2026-01"}: "2026-01-01 2026-01-31",
	} {
		got, err := q.Values(given(map[string][]string{"from": {days[0]}, "to": {days[1]}}), today)
		if err != nil || got["from"]+" "+got["to"] != want {
			t.Errorf("%v: %v, %v, want %s", days, got, err, want)
		}
	}
	for name, changes := range map[string]map[string][]string{
		`no parameter "steep"`:       {"steep": {"A"}},
		"needs the parameter steps":  {"steps": {""}},
		"the parameter from is give": {"from": {"2026-01-01", "2026-01-02"}},
		`"tomorrow" is not valid`:    {"from": {"tomorrow"}},
		`"1 month" is not valid`:     {"window": {"1 month"}},
		`"-7 days" is not valid`:     {"window": {"-7 days"}},
		`"strict" is not valid`:      {"order": {"strict"}},
		"is before the day from":     {"to": {"2025-12-31"}},
	} {
		if _, err := q.Values(given(changes), today); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v (%s), want %s", changes, err, fault.HintOf(err), name)
		}
	}
	top, err := analysis.Find("top-events")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := top.Values(map[string][]string{"from": {"2026-01-01"}, "to": {"2026-01-01"}, "limit": {"-1"}}, today); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("a negative limit: %v", err)
	}
}
