package analysis_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// standIn asks the stand-in's Query API.
func standIn(tb testing.TB, s *mixpaneltest.Server, path string, days day.Range, more url.Values, to any) {
	tb.Helper()
	more.Set("project_id", "7")
	more.Set("from_date", days.From.String())
	more.Set("to_date", days.To.String())
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, s.URL+"/api/query/"+path+"?"+more.Encode(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.SetBasicAuth("user", "secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		tb.Fatalf("%s: %s", path, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(to); err != nil {
		tb.Fatal(err)
	}
}

// TestQuestionsAgreeWithTheStandIn compares questions with the answers of the simulated Query API, day by day.
func TestQuestionsAgreeWithTheStandIn(t *testing.T) {
	t.Parallel()
	p := mixpaneltest.Sample(mixpaneltest.Project{ID: 7, Region: "us", Username: "user", Secret: "secret", Data: mixpaneltest.Generator{Seed: 7, EventsPerDay: 2000}}, 1, 30)
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{p}, Limits: mixpaneltest.Limits{Off: true}})
	days := day.Range{From: day.New(2025, time.November, 1), To: day.New(2025, time.November, 7)}
	truth, err := s.Truth(7, days)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range truth.Rows {
		name, err := json.Marshal(row.Event)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, `{"event":`+string(name)+`,"properties":`+row.Properties+`}`)
	}
	c := comparison{newCopied(t), s, days}
	c.load(t, days, lines, nil)
	c.counts(t)
	c.funnels(t, p.Funnels[0])
	c.retention(t)
}

// comparison compares a copy with the stand-in.
type comparison struct {
	copied
	standIn *mixpaneltest.Server
	days    day.Range
}

// given returns parameters with days.
func given(days day.Range, more map[string][]string) map[string][]string {
	more["from"], more["to"] = []string{days.From.String()}, []string{days.To.String()}
	return more
}

func (c comparison) counts(t *testing.T) {
	t.Helper()
	var counts struct {
		Data struct{ Values map[string]map[string]float64 }
	}
	standIn(t, c.standIn, "segmentation", c.days, url.Values{"event": {"Search"}, "on": {`properties["plan"]`}, "unit": {"day"}}, &counts)
	var byPlan, trend []string
	totals := map[string]float64{}
	for plan, values := range counts.Data.Values {
		for d, n := range values {
			if totals[d] += n; n > 0 {
				byPlan = append(byPlan, fmt.Sprintf("%s|%s|%.0f", d, plan, n))
			}
		}
	}
	for d, n := range totals {
		trend = append(trend, fmt.Sprintf("%s|Search|%.0f", d, n))
	}
	same(t, "breakdown", byPlan, c.ask(t, "breakdown", "period, coalesce(value, 'undefined'), total", given(c.days, map[string][]string{"event": {"Search"}, "property": {"plan"}, "unit": {"day"}})))
	same(t, "trend", trend, c.ask(t, "trend", "period, event, total", given(c.days, map[string][]string{"events": {"Search"}})))
	if !strings.Contains(strings.Join(byPlan, " "), "|pro|") {
		t.Error("there is nothing to compare")
	}
}

// funnels compares a funnel of each day. The stand-in counts those who enter on a day, to the end of the range.
func (c comparison) funnels(t *testing.T, funnel mixpaneltest.Funnel) {
	t.Helper()
	funnels, err := c.standIn.FunnelDays(7, funnel.ID, c.days)
	if err != nil {
		t.Fatal(err)
	}
	for d := range c.days.All() {
		var f struct{ Steps []struct{ Count int } }
		if err := json.Unmarshal([]byte(funnels[d]), &f); err != nil {
			t.Fatal(err)
		}
		var want []string
		for i, step := range f.Steps {
			want = append(want, fmt.Sprintf("%d|%d", i+1, step.Count))
		}
		asked := given(day.Range{From: d, To: d}, map[string][]string{"steps": funnel.Steps, "window": {"30 days"}})
		same(t, "funnel of "+d.String(), want, c.ask(t, "funnel", "step, users", asked))
	}
}

func (c comparison) retention(t *testing.T) {
	t.Helper()
	born := day.Range{From: c.days.From, To: c.days.To - 3}
	var periods map[string]struct {
		First  int
		Counts []int
	}
	standIn(t, c.standIn, "retention", born, url.Values{
		"retention_type": {"birth"}, "born_event": {"Search"}, "event": {"Page Viewed"}, "unit": {"day"}, "interval_count": {"3"},
	}, &periods)
	var returned []string
	for d, period := range periods {
		for i, n := range period.Counts {
			returned = append(returned, fmt.Sprintf("%s|%d|%d|%d", d, period.First, i, n))
		}
	}
	asked := given(born, map[string][]string{"born": {"Search"}, "return": {"Page Viewed"}, "unit": {"day"}, "mode": {"calendar"}, "intervals": {"3"}})
	same(t, "retention", returned, c.ask(t, "retention", "cohort, users, interval_number, returned", asked))
	if len(returned) == 0 {
		t.Error("there is nothing to compare")
	}
}
