package analysis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const header = `-- title: Trend
-- about: How often events happened.
-- param: from date required "First day, included"
-- param: unit text default "day" choices "day|week" "Length of a \"period\""
-- param: events events "Events to count"
-- check: event-counts

-- A comment, and a part after an empty line.

SELECT $from, $unit, $events
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("trend.sql", header)
	want := Question{
		Name: "trend", Title: "Trend", About: "How often events happened.", Check: "event-counts",
		Params: []Param{
			{Name: "from", Type: Date, About: "First day, included", Required: true},
			{Name: "unit", Type: Text, About: `Length of a "period"`, Default: "day", Choices: []string{"day", "week"}},
			{Name: "events", Type: Events, About: "Events to count"},
		},
		SQL: "-- A comment, and a part after an empty line.\n\nSELECT $from, $unit, $events",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, old, replacement, want string }{
		{"a line that is no comment", "-- title: Trend", "title: Trend", `trend.sql:1: "title: Trend" is not a line of the form`},
		{"a line without a value", "-- title: Trend", "-- title: ", "trend.sql:1: "},
		{"a line with spaces at its end", "-- title: Trend", "-- title: Trend ", "trend.sql:1: "},
		{"an unknown key", "-- check:", "-- chekc:", `trend.sql:6: unknown key "chekc"`},
		{"a title that is missing", "-- title: Trend\n", "", "the title is missing"},
		{"a title that comes twice", "-- check: event-counts", "-- title: Other", "title is set twice"},
		{"no text about it", "-- about: How often events happened.\n", "", "the line about is missing"},
		{"no empty line", "\n\n", "\n", "an empty line must separate"},
		{"no SQL", "SELECT $from, $unit, $events", "", "does not use the parameter from"},
		{"an unknown type", "from date", "from day", `parameter from: unknown type "day"`},
		{"an upper-case name", "from date", "From date", "is not a parameter"},
		{"a parameter without a meaning", ` "Events to count"`, "", "is not a parameter"},
		{"a parameter with an empty meaning", `"Events to count"`, `""`, "its meaning is missing"},
		{"a default of what is required", "date required", `date required default "2026-01-01"`, "a required parameter has no default"},
		{"a default that is no choice", `default "day"`, `default "hour"`, `parameter unit: the default: "hour" is not valid`},
		{"choices of something other than a text", "unit text default \"day\"", "unit event", "only a text has choices"},
		{"a parameter that comes twice", "events events", "from events", "parameter from is declared twice"},
		{"a parameter that the SQL does not use", ", $events", "", "does not use the parameter events"},
		{"a parameter that is not declared", "$events", "$events, $other", "uses $other, which is not declared"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(header, tt.old, tt.replacement)
			if text == header {
				t.Fatal("the test changes nothing")
			}
			if _, err := parse("trend.sql", text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}
