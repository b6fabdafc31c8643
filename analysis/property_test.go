package analysis_test

import (
	"database/sql"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mixduck/analysis"
	"mixduck/internal/day"
	"mixduck/internal/rapidtest"
	"mixduck/storage"
)

// copied is a database with a table events in memory.
type copied struct{ engine *storage.Engine }

func newCopied(tb testing.TB) copied {
	tb.Helper()
	e, err := storage.Open(tb.Context(), storage.Config{Mode: storage.InMemory})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	if _, err := e.Prepare(tb.Context(), storage.Table{Name: "events", Project: "1", Job: "job-1"}); err != nil {
		tb.Fatal(err)
	}
	return copied{e}
}

// load replaces all events.
func (c copied) load(tb testing.TB, days day.Range, lines []string, zone *time.Location) {
	tb.Helper()
	_, err := c.engine.Load(tb.Context(), storage.Window{
		Table: "events", Days: days, Parts: []io.Reader{strings.NewReader(strings.Join(append(lines, ""), "\n"))}, Zone: zone, Job: "job-1",
		AllowEmpty: true, Force: true, FetchedAt: time.Now(), DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) }, Bytes: 1, Hash: "h",
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// rows returns the rows of a statement as texts, sorted.
func (c copied) rows(tb testing.TB, text string, params map[string]string) (all []string) {
	tb.Helper()
	var args []any
	for name, value := range params {
		args = append(args, sql.Named(name, value))
	}
	rows, err := c.engine.Query(tb.Context(), "SELECT coalesce(columns(*)::VARCHAR, 'NULL') FROM ("+text+")", args...)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			tb.Fatal(err)
		}
		all = append(all, strings.Join(values, "|"))
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// ask returns columns of the rows of a ready-made question.
func (c copied) ask(tb testing.TB, name, columns string, given map[string][]string) []string {
	tb.Helper()
	q, err := analysis.Find(name)
	if err != nil {
		tb.Fatal(err)
	}
	values, err := q.Values(given, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return c.rows(tb, "SELECT "+columns+" FROM ("+q.SQL+")", values)
}

func same(tb testing.TB, what string, want, got []string) {
	tb.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-computed in Go, +SQL):\n%s", what, diff)
	}
}

// zones are those of projects from before 2023, with offsets of whole and half hours, and clocks that change by an hour or
// by half of it.
var zones = []string{"", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"}

// seasons are days before clocks change: in October and November, to winter, or to summer on Lord Howe; in March in America,
// and then in Europe, to summer, and to winter on Lord Howe.
var seasons = []day.Day{
	day.New(2025, time.October, 24), day.New(2025, time.October, 1), day.New(2026, time.March, 5), day.New(2026, time.March, 26),
}

// TestSQLAgreesWithGo computes everything about random small histories a second time: with ties, events in any order,
// events that were processed twice, events without a user, time zones, and days on which clocks change.
func TestSQLAgreesWithGo(t *testing.T) {
	t.Parallel()
	c := newCopied(t)
	stored := day.Range{From: slices.Min(seasons) - 1, To: slices.Max(seasons) + 20}
	rapid.Check(t, rapidtest.Few(25, func(rt *rapid.T) {
		tb := rapidtest.Wrap(t, rt)
		var zone *time.Location
		if name := rapid.SampledFrom(zones).Draw(rt, "zone"); name != "" {
			zone = location(tb, name)
		}
		season := rapid.SampledFrom(seasons).Draw(rt, "season")
		lines := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string { return line(rt, season) }), 0, 60).Draw(rt, "lines")
		for i := range lines { // different events
			lines[i] = strings.ReplaceAll(lines[i], `"number"`, strconv.Quote(strconv.Itoa(i)))
		}
		for i := range rapid.IntRange(0, len(lines)).Draw(rt, "repeated") {
			again := lines[i]
			if rapid.Bool().Draw(rt, "processed before") {
				again = strings.NewReplacer(`_ms":2`, `_ms":1`, `"plan":"pro"`, `"plan":"free"`).Replace(again)
			}
			lines = append(lines, again)
		}
		lines = rapid.Permutation(lines).Draw(rt, "order")
		c.load(tb, stored, lines, zone)
		all := readLines(tb, lines, zone)
		from := season + day.Day(rapid.IntRange(0, 5).Draw(rt, "from"))
		c.compare(tb, rt, all, day.Range{From: from, To: from + day.Day(rapid.IntRange(0, 10).Draw(rt, "days"))})
	}))
}

func location(tb testing.TB, name string) *time.Location {
	tb.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// line draws a line of an export, of the two weeks from a day.
func line(t *rapid.T, from day.Day) string {
	d := from + day.Day(rapid.IntRange(0, 14).Draw(t, "day"))
	at := int64(d)*86400 + int64(rapid.SampledFrom([]int{0, 3600, 5400, 7200, 9000, 86399}).Draw(t, "second"))
	more := ""
	for _, property := range []string{`"plan":"free"`, `"plan":"pro"`, `"$device_id":"d1"`, `"$device_id":"d2","$user_id":"u"`, `"$device_id":"d1","$user_id":"v"`, `"$anon_id":"$device:d1","$identified_id":"u"`, `"$anon_id":"d2","$identified_id":"v"`} {
		if !strings.Contains(more, property[:7]) && rapid.IntRange(0, 3).Draw(t, "has") == 0 {
			more += "," + property
		}
	}
	return fmt.Sprintf(`{"event":%q,"properties":{"time":%d,"distinct_id":%q,"$insert_id":"number","mp_processing_time_ms":2%s}}`,
		rapid.SampledFrom([]string{"A", "B", "C", "$identify"}).Draw(t, "event"), at, rapid.SampledFrom([]string{"", "u", "v", "$device:d1"}).Draw(t, "id"), more)
}

func (c copied) compare(tb testing.TB, rt *rapid.T, all []happened, days day.Range) {
	tb.Helper()
	given := func(more map[string][]string) map[string][]string {
		more["from"], more["to"] = []string{days.From.String()}, []string{days.To.String()}
		return more
	}
	unit := rapid.SampledFrom([]string{"day", "week", "month"}).Draw(rt, "unit")
	same(tb, "active users", oracleActive(all, days, ""), c.ask(tb, "active-users", "*", given(map[string][]string{})))
	same(tb, "active users with A", oracleActive(all, days, "A"), c.ask(tb, "active-users", "*", given(map[string][]string{"events": {"A"}})))
	same(tb, "trend", oracleTrend(all, days, []string{"A", "Z"}, unit), c.ask(tb, "trend", "*", given(map[string][]string{"events": {"A", "Z"}, "unit": {unit}})))

	f := funnelOf{
		steps: rapid.SliceOfN(rapid.SampledFrom([]string{"A", "B", "C"}), 1, 4).Draw(rt, "steps"), days: days,
		within:   time.Duration(rapid.SampledFrom([]int{0, 1, 24, 72}).Draw(rt, "within")) * time.Hour,
		anyOrder: rapid.Bool().Draw(rt, "any order"), byPlan: rapid.Bool().Draw(rt, "by plan"),
	}
	asked := map[string][]string{"steps": f.steps, "window": {strconv.Itoa(int(f.within.Hours())) + " hours"}}
	call := fmt.Sprintf("FROM funnel('events', ['%s'], from_day := '%s', to_day := '%s', within := '%d hours'", strings.Join(f.steps, "', '"), days.From, days.To, int(f.within.Hours()))
	if f.anyOrder {
		asked["order"], call = []string{"any"}, call+", ordering := 'any'"
	}
	if f.byPlan {
		asked["property"], call = []string{"plan"}, call+", group_by := properties->>'plan'"
	}
	same(tb, fmt.Sprintf("funnel %+v", f), oracleFunnel(all, f), c.ask(tb, "funnel", "value, step, users", given(asked)))
	if f.proOnly = len(f.steps) > 1; f.proOnly {
		filters := slices.Repeat([]string{"true"}, len(f.steps))
		filters[1] = "properties->>'plan' = 'pro'"
		same(tb, fmt.Sprintf("filtered funnel %+v", f), oracleFunnel(all, f), c.rows(tb, "SELECT value, step, users "+call+", filters := ["+strings.Join(filters, ", ")+"])", nil))
	}

	r := retentionOf{born: "A", back: rapid.SampledFrom([]string{"", "A", "B"}).Draw(rt, "back"), days: days, unit: unit, calendar: rapid.Bool().Draw(rt, "calendar"), intervals: 5}
	mode := map[bool]string{false: "rolling", true: "calendar"}[r.calendar]
	same(tb, fmt.Sprintf("retention %+v", r), oracleRetention(all, r), c.ask(tb, "retention", "cohort, users, interval_number, returned",
		given(map[string][]string{"born": {"A"}, "return": {r.back}, "unit": {unit}, "mode": {mode}, "intervals": {"5"}})))

	same(tb, "sessions", oracleSessions(all, 30*time.Minute), c.rows(tb, "FROM sessions('events')", nil))
	same(tb, "paths", oraclePaths(all, "B", 2, 24*time.Hour), c.rows(tb, "FROM paths('events', 'B', depth := 2)", nil))
	same(tb, "first touch", oracleFirstTouch(all, days), c.rows(tb, fmt.Sprintf("FROM first_touch('events', properties->>'plan', from_day := '%s', to_day := '%s')", days.From, days.To), nil))
	devices, canonical := oracleIdentities(all)
	same(tb, "identities", devices, c.rows(tb, "FROM identities('events')", nil))
	same(tb, "canonical", canonical, c.rows(tb, "SELECT distinct_id, original_distinct_id FROM canonical('events')", nil))
}
