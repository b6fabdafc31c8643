package check_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/web/page/answer"
	"mixduck/web/page/check"
)

// rows reads rows from lines of words. The word NULL is no value.
func rows(lines ...string) (all [][]answer.Cell) {
	for _, line := range lines {
		var row []answer.Cell
		for word := range strings.SplitSeq(line, "|") {
			if word == "NULL" {
				row = append(row, nil)
				continue
			}
			row = append(row, &word)
		}
		all = append(all, row)
	}
	return all
}

type params = map[string][]string

// of adds days to parameters.
func of(p params) params {
	p["from"], p["to"] = []string{"2026-01-02"}, []string{"2026-01-08"}
	return p
}

func TestChecks(t *testing.T) {
	t.Parallel()
	const equal = "equal"
	for _, tt := range []struct {
		name, question string
		params         params
		asks           string // the question to Mixpanel
		ours, theirs   [][]answer.Cell
		want           string // differences, or equal
		compared       int
	}{
		{
			"a trend by day", "trend",
			params{"events": {"A", "B"}, "unit": {"day"}},
			`event-counts --event "A" --event "B" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("2026-01-02|A|3|1", "2026-01-03|A|0|0", "2026-01-02|B|5|2"), rows("A|2026-01-02|3", "B|2026-01-02|6", "B|2026-01-04|1", "B|2026-01-05|0"),
			"2026-01-02 B 5 6, 2026-01-04 B 0 1", 4,
		},
		{
			"a trend by week: Monday is 5 January", "trend",
			params{"events": {"A"}, "unit": {"week"}},
			`event-counts --event "A" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("2025-12-29|A|3|1", "2026-01-05|A|30|1"), rows("A|2026-01-02|1", "A|2026-01-04|2", "A|2026-01-05|10", "A|2026-01-08|20"), equal, 2,
		},
		{
			"a trend by month", "trend",
			params{"events": {"A"}, "unit": {"month"}},
			`event-counts --event "A" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("2026-01-01|A|3|1"), rows("A|2026-01-02|1", "A|2026-01-04|2"), equal, 1,
		},
		{
			"a breakdown of the whole range", "breakdown",
			params{"event": {"A"}, "property": {`a "b"`}, "unit": {"all"}, "limit": {"50"}},
			`segmentation --event "A" --limit "1000" --on "properties[\"a \\\"b\\\"\"]" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("2026-01-02|pro|3|1", "2026-01-02|NULL|2|1"), rows("pro|2026-01-02|1", "pro|2026-01-08|2", "undefined|2026-01-03|2", "undefined|2026-01-04|0"), equal, 2,
		},
		{
			"a breakdown with more values than it shows", "breakdown",
			params{"event": {"A"}, "property": {"p"}, "unit": {"day"}, "limit": {"1"}},
			"",
			rows("2026-01-02|pro|3|1"), rows("pro|2026-01-02|4", "free|2026-01-02|2"), "2026-01-02 pro 3 4", 1,
		},
		{
			"a breakdown with a value that only Mixpanel has", "breakdown",
			params{"event": {"A"}, "property": {"p"}, "unit": {"day"}, "limit": {"9"}},
			"",
			rows("2026-01-02|pro|3|1"), rows("pro|2026-01-02|3", "free|2026-01-02|2"), "2026-01-02 free 0 2", 2,
		},
		{
			"the events at the top", "top-events",
			params{},
			`event-counts --event "A" --event "B" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("A|3|1|0|NULL", "B|1|1|0|NULL"), rows("A|2026-01-02|1", "A|2026-01-03|2", "B|2026-01-02|2"), "B 1 2", 2,
		},
		{
			"active users of an event", "active-users",
			params{"events": {"A"}},
			`event-counts --event "A" --type "unique" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("2026-01-02|3|9|99", "2026-01-03|4|9|99"), rows("A|2026-01-02|3", "A|2026-01-03|3"), "2026-01-03 4 3", 2,
		},
		{
			"retention, but intervals that are not over", "retention",
			params{"born": {"A"}, "return": {""}, "unit": {"day"}, "mode": {"calendar"}, "intervals": {"3"}},
			`retention --born "A" --intervals "3" --unit "day" --from 2026-01-02 --to 2026-01-08`,
			rows("2026-01-02|9|0|5|55.6|true", "2026-01-02|9|1|4|44.4|true", "2026-01-02|9|2|0|0|false", "2026-01-03|2|0|1|50|true"),
			rows("2026-01-02|9|0|5", "2026-01-02|9|1|3", "2026-01-02|9|2|7", "2026-01-02|9|3|1", "2026-01-03|3|0|1", "2026-01-04|1|NULL|NULL"),
			"2026-01-02 1 4 3, 2026-01-03 users 2 3, 2026-01-04 users 0 1", 6,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, ok := check.Of(tt.question, of(tt.params), tt.ours)
			if !ok || tt.asks != "" && c.Ask.String() != tt.asks {
				t.Fatalf("asks %t, %s\nwant %s", ok, c.Ask, tt.asks)
			}
			found, err := c.Compare(tt.ours, tt.theirs)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found.Different {
				if len(d.Key) != len(found.Keys) {
					t.Errorf("%q is the key of %q", d.Key, found.Keys)
				}
				got = append(got, strings.Join(append(d.Key, number(d.Ours), number(d.Theirs)), " "))
			}
			want := strings.Split(tt.want, ", ")
			if tt.want == equal {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" || found.Compared != tt.compared {
				t.Errorf("compared %d, want %d; differences, -want +got:\n%s", found.Compared, tt.compared, diff)
			}
		})
	}
}

func number(n int64) string { return string(rune('0' + n)) }

func TestWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		question string
		params   params
	}{
		"a statement":                {"", of(params{})},
		"a funnel":                   {"funnel", of(params{"steps": {"A", "B"}})},
		"a trend of all events":      {"trend", of(params{"unit": {"day"}})},
		"users of several events":    {"active-users", of(params{"events": {"A", "B"}})},
		"retention by week":          {"retention", of(params{"born": {"A"}, "unit": {"week"}, "mode": {"calendar"}, "intervals": {"3"}})},
		"rolling retention":          {"retention", of(params{"born": {"A"}, "unit": {"day"}, "mode": {"rolling"}, "intervals": {"3"}})},
		"no event at the top":        {"top-events", of(params{})},
		"days that are none":         {"trend", params{"events": {"A"}, "from": {"x"}, "to": {"y"}}},
		"a breakdown without values": {"breakdown", of(params{"event": {"A"}, "property": {"p"}, "limit": {"0"}})},
	} {
		if c, ok := check.Of(tt.question, tt.params, nil); ok {
			t.Errorf("%s is compared with %s", name, c.Ask)
		}
	}
}

func TestNumbersThatAreNone(t *testing.T) {
	t.Parallel()
	c, ok := check.Of("trend", of(params{"events": {"A"}, "unit": {"day"}}), nil)
	if !ok {
		t.Fatal("a trend cannot be compared")
	}
	if r, err := c.Compare(rows("2026-01-02|A|3|1"), rows("A|2026-01-02|1.5")); err == nil {
		t.Errorf("1.5 was compared: %+v", r)
	}
}
