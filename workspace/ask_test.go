package workspace_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// newAsked starts a fake with a sample of everything.
func newAsked(tb testing.TB, change func(*workspace.Config)) *fixture {
	tb.Helper()
	return newFixture(tb, mixpaneltest.Generator{Seed: 1, EventsPerDay: 300}, func(p *mixpaneltest.Project, c *workspace.Config) {
		*p = mixpaneltest.Sample(*p, 1, 30)
		if change != nil {
			change(c)
		}
	})
}

// answer asks a question, and returns the columns with types, followed by the rows as DuckDB returns them for the
// statement.
func (f *fixture) answer(tb testing.TB, q question.Question) []string {
	tb.Helper()
	found, err := f.Ask(tb.Context(), q)
	noError(tb, err)
	text, params, err := found.Statement()
	noError(tb, err)
	db, err := sql.Open("duckdb", "")
	noError(tb, err)
	defer db.Close()
	rows, err := db.QueryContext(tb.Context(), text, sql.Named("rows", params["rows"]))
	noError(tb, err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	noError(tb, err)
	head := make([]string, len(types))
	values, targets := make([]any, len(types)), make([]any, len(types))
	for i, c := range types {
		head[i], targets[i] = c.Name()+" "+c.DatabaseTypeName(), &values[i]
	}
	all := []string{strings.Join(head, "|")}
	for rows.Next() {
		noError(tb, rows.Scan(targets...))
		line := make([]string, len(values))
		for i, v := range values {
			if at, ok := v.(time.Time); ok {
				v = at.Format(time.DateTime)
			}
			line[i] = fmt.Sprint(v)
		}
		all = append(all, strings.Join(line, "|"))
	}
	noError(tb, rows.Err())
	return all
}

// questions returns one of each of [question.List].
func questions(tb testing.TB) []question.Question {
	tb.Helper()
	var all []question.Question
	for _, info := range question.List() {
		q := question.Question{Name: info.Name, Values: map[string][]string{}}
		if info.Days == question.Dated {
			q.Days = days(tb, "2026-11-20", "2026-11-21")
		}
		for _, p := range info.Arguments() {
			q.Values[p.Name] = []string{map[string]string{
				"event": "Purchase", "born": "Search", "return": "Purchase", "property": "plan", "on": `properties["price"]`, "funnel-id": "1", "bookmark-id": "301",
			}[p.Name]}
		}
		all = append(all, q)
	}
	return all
}

// Each question has an answer with rows, and is booked where Mixpanel counts it. None opens the database.
func TestEachQuestionIsAnswered(t *testing.T) {
	t.Parallel()
	for _, q := range questions(t) {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			queries, lexicon := &allowance{left: 10}, &allowance{left: 10}
			f := newAsked(t, func(c *workspace.Config) { c.QueryBudget, c.LexiconBudget = queries, lexicon })
			rows := f.answer(t, q)
			if len(rows) < 2 {
				t.Errorf("no rows: %q", rows)
			}
			info, err := question.Find(q.Name)
			noError(t, err)
			want := map[question.Budget][2]int{question.Query: {1, 0}, question.Lexicon: {0, 1}, question.Free: {0, 0}}[info.Budget]
			if got := [2]int{10 - queries.left, 10 - lexicon.left}; got != want || queries.lent+lexicon.lent != 0 {
				t.Errorf("booked %v of the Query API and Lexicon, want %v; %d are still lent", got, want, queries.lent+lexicon.lent)
			}
			if asked := f.fake.Queries(); len(asked) != 1 || asked[0].Call != info.Endpoint {
				t.Errorf("asked %+v, want one request to %s", asked, info.Endpoint)
			}
			if _, err := os.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a database: %v", err)
			}
		})
	}
}

// Counts match the events, by day, hour and value; counts that Mixpanel omits are 0.
func TestCountsAreThoseOfTheEvents(t *testing.T) {
	t.Parallel()
	f := newAsked(t, nil)
	two := days(t, "2026-11-20", "2026-11-21")
	truth, err := f.fake.Truth(projectID, two)
	noError(t, err)
	byDay, byHour := map[string]int{}, map[string]int{}
	for _, r := range truth.Rows {
		if r.Event == "Purchase" {
			byDay[r.Day.String()+" 00:00:00"]++
			byHour[r.Time.UTC().Truncate(time.Hour).Format(time.DateTime)]++
		}
	}
	daily, hourly := []string{"segment VARCHAR|date DATE|count BIGINT"}, []string{"segment VARCHAR|time TIMESTAMP|count BIGINT"}
	for d := range two.All() {
		at := d.String() + " 00:00:00"
		daily = append(daily, fmt.Sprintf("Purchase|%s|%d", at, byDay[at]))
		for hour := range 24 {
			at := d.Start(time.UTC).Add(time.Duration(hour) * time.Hour).Format(time.DateTime)
			hourly = append(hourly, fmt.Sprintf("Purchase|%s|%d", at, byHour[at]))
		}
	}
	q := question.Question{Name: "segmentation", Days: two, Values: map[string][]string{"event": {"Purchase"}}}
	if diff := cmp.Diff(daily, f.answer(t, q)); diff != "" {
		t.Errorf("by day (-want +got):\n%s", diff)
	}
	q.Values["unit"] = []string{"hour"}
	if diff := cmp.Diff(hourly, f.answer(t, q)); diff != "" {
		t.Errorf("by hour (-want +got):\n%s", diff)
	}
	counts := question.Question{Name: "event-counts", Days: two, Values: map[string][]string{"event": {"Purchase", "Nobody did this"}, "type": {"average"}}}
	got := f.answer(t, counts)
	if got[0] != "event VARCHAR|date DATE|count DOUBLE" || !slices.ContainsFunc(got, func(row string) bool { return strings.HasPrefix(row, "Purchase|2026-11-20") }) {
		t.Errorf("averages = %q", got)
	}
}

// If Mixpanel rejects a question or makes it wait, the error has a hint; invalid questions are not sent.
func TestQuestionsThatFail(t *testing.T) {
	t.Parallel()
	cohorts := question.Question{Name: "cohorts"}
	for _, tt := range []struct {
		name  string
		fault mixpaneltest.Kind
		check func(error) bool
	}{
		{"the plan lacks the API", mixpaneltest.Status402, func(err error) bool {
			api, ok := errors.AsType[*mixpanel.Error](err)
			return ok && api.Reason == mixpanel.ReasonPlan && fault.HintOf(err) != ""
		}},
		{"the hour is spent", mixpaneltest.OverQuota, func(err error) bool {
			pause, ok := errors.AsType[*workspace.PauseError](err)
			return ok && pause.Until.Sub(now) == time.Hour
		}},
		{"the server is down", mixpaneltest.Status503, func(err error) bool { return err != nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newAsked(t, nil)
			f.inject(t, mixpaneltest.Fault{Kind: tt.fault, Call: "*"})
			if _, err := f.Ask(t.Context(), cohorts); !tt.check(err) {
				t.Errorf("error = %v", err)
			}
		})
	}
	spent := &allowance{until: now.Add(time.Minute)}
	f := newAsked(t, func(c *workspace.Config) { c.QueryBudget = spent })
	_, err := f.Ask(t.Context(), cohorts)
	if pause, ok := errors.AsType[*workspace.PauseError](err); !ok || !pause.Until.Equal(spent.until) {
		t.Errorf("without budget: %v", err)
	}
	future := question.Question{Name: "segmentation", Days: days(t, "2026-11-20", "2026-11-23"), Values: map[string][]string{"event": {"a"}}}
	if _, err := f.Ask(t.Context(), future); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("days in the future: %v", err)
	}
	if n := len(f.fake.Queries()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
