package question_test

import (
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/question"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	week := day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 7)}
	type values = map[string][]string
	for _, tt := range []struct {
		name  string
		given question.Question
		want  string // "" for a valid one
	}{
		{"a list", question.Question{Name: "cohorts"}, ""},
		{"a list with days that need not be", question.Question{Name: "annotations", Days: week}, ""},
		{"an unknown question", question.Question{Name: "dashboards"}, `there is no question "dashboards"`},
		{"no question", question.Question{}, `there is no question ""`},
		{"an event", question.Question{Name: "segmentation", Days: week, Values: values{"event": {"a"}, "unit": {"hour"}, "limit": {"10000"}}}, ""},
		{"several events", question.Question{Name: "event-counts", Days: week, Values: values{"event": {"a", "b,c"}}}, ""},
		{"an argument that may be missing", question.Question{Name: "retention", Days: week, Values: values{"born": {"a"}}}, ""},
		{"no event", question.Question{Name: "segmentation", Days: week}, "segmentation needs event"},
		{"no days", question.Question{Name: "segmentation", Values: values{"event": {"a"}}}, "segmentation needs the first day"},
		{"days of what has none", question.Question{Name: "cohorts", Days: week}, "cohorts takes no days"},
		{"days the wrong way round", question.Question{Name: "annotations", Days: day.Range{From: week.To, To: week.From}}, "the range ends before it starts: 2026-11-07 to 2026-11-01"},
		{"two events of one", question.Question{Name: "properties", Values: values{"event": {"a", "b"}}}, "properties takes one event, not 2"},
		{"an unknown parameter", question.Question{Name: "cohorts", Values: values{"event": {"a"}}}, "cohorts takes no event"},
		{"an unknown unit", question.Question{Name: "segmentation", Days: week, Values: values{"event": {"a"}, "unit": {"week"}}}, "unit: must be one of minute|hour|day|month"},
		{"a limit that Mixpanel refuses", question.Question{Name: "segmentation", Days: week, Values: values{"event": {"a"}, "limit": {"10001"}}}, "limit: 10001 is above 10000"},
		{"an id that is none", question.Question{Name: "report", Values: values{"bookmark-id": {"-1"}}}, `bookmark-id: "-1" is not a whole number above 0`},
		{"an empty name", question.Question{Name: "properties", Values: values{"event": {""}}}, "event: the event is empty"},
		{"a name that is not UTF-8", question.Question{Name: "properties", Values: values{"event": {"\xff"}}}, `event: "\xff" is not valid UTF-8`},
		{"too much", question.Question{Name: "properties", Values: values{"event": {strings.Repeat("x", 64<<10+1)}}}, "the question has more than 65536 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.given.Check()
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || err.Error() != tt.want || fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
				t.Errorf("Check() = %v, want %q, with a hint", err, tt.want)
			}
		})
	}
}

// Names are unique, and each parameter can be given.
func TestList(t *testing.T) {
	t.Parallel()
	names, known := map[string]bool{}, map[string]bool{}
	for _, info := range question.List() {
		if names[info.Name] || info.Short == "" || info.Endpoint == "" || !strings.HasPrefix(info.Example, info.Name) {
			t.Errorf("%+v", info)
		}
		if known[info.Known] && info.Known != "" {
			t.Errorf("two questions are known as %s", info.Known)
		}
		names[info.Name], known[info.Known] = true, true
		params := map[string]bool{}
		for i, p := range info.Params {
			if params[p.Name] || p.Usage == "" || (p.Kind == question.Choice) != (p.Choices != nil) {
				t.Errorf("%s: %+v", info.Name, p)
			}
			if p.Argument && i > 0 && !info.Params[i-1].Argument {
				t.Errorf("%s: argument %s comes after flags", info.Name, p.Name)
			}
			params[p.Name] = true
		}
	}
}
