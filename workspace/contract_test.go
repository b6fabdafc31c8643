package workspace_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mixduck/internal/openapitest"
	"mixduck/internal/question"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// recorder keeps requests with their bodies.
type recorder struct {
	mu  sync.Mutex
	all []*http.Request
}

func (r *recorder) add(request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	kept := request.Clone(request.Context())
	kept.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, kept)
}

// variants returns a question with each of its optional parameters and each of their choices, and with all of them.
func variants(tb testing.TB, q question.Question) []question.Question {
	tb.Helper()
	info, err := question.Find(q.Name)
	noError(tb, err)
	with := func(q question.Question, name, value string) question.Question {
		values := map[string][]string{name: {value}}
		for k, v := range q.Values {
			if k != name {
				values[k] = v
			}
		}
		q.Values = values
		return q
	}
	all, every := []question.Question{q}, q
	for _, p := range info.Params {
		if p.Argument {
			continue
		}
		choices := p.Choices
		switch {
		case p.Kind == question.Number:
			choices = []string{"2"}
		case p.Name == "type" && len(choices) == 0:
			choices = []string{"insights"}
		case p.Name == "value":
			choices = []string{"pro"}
		case p.Name == "on":
			choices = []string{`properties["plan"]`}
		case len(choices) == 0:
			choices = []string{`properties["plan"] == "pro"`}
		}
		for _, choice := range choices {
			all = append(all, with(q, p.Name, choice))
		}
		every = with(every, p.Name, choices[len(choices)-1])
	}
	if info.Days == question.MayDated {
		q.Days = days(tb, "2026-11-20", "2026-11-21")
		all = append(all, q)
	}
	return append(all, every)
}

// Whatever can be asked, the stand-in accepts the requests: it refuses unknown parameters, and values that Mixpanel does
// not document. They also match Mixpanel's OpenAPI files, where these are present.
func TestAllRequestsKeepTheContract(t *testing.T) {
	t.Parallel()
	var clock atomic.Int64 // minutes: the hour's requests must not run out
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 20}, func(p *mixpaneltest.Project, c *workspace.Config) {
		*p = mixpaneltest.Sample(*p, 1, 30)
		c.Now = func() time.Time { return now.Add(time.Duration(clock.Load()) * time.Minute) }
	})
	sent := &recorder{}
	address := f.through(t, func(r *http.Request) {
		clock.Add(2)
		sent.add(r)
	})
	again := func() *workspace.Workspace { return workspaceAt(t, address, f.cfg, patience) } // a client would wait between requests to Lexicon
	for _, one := range questions(t) {
		for _, q := range variants(t, one) {
			if _, err := again().Ask(t.Context(), q); err != nil {
				t.Errorf("%+v: %v", q, err)
			}
		}
	}
	_, err := again().FetchEvents(t.Context(), workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-20", "2026-11-21"), Events: []string{"Search", "Purchase"}}, func(workspace.Progress) {})
	noError(t, err)
	for _, table := range []workspace.VerifyRequest{{}, {Days: days(t, "2026-11-20", "2026-11-20")}} {
		_, err := again().Verify(t.Context(), table)
		noError(t, err)
	}
	for _, r := range []workspace.StreamRequest{
		{Stream: "cohorts"},
		{Stream: "cohort-members"},
		{Stream: "annotations"},
		{Stream: "funnels"},
		{Stream: "lexicon"},
		{Stream: "reports"},
		{Stream: "funnels", Days: days(t, "2026-11-01", "2026-11-02")},
		{Stream: "reports", ReportIDs: []int64{301}},
		{Stream: "profiles"},
		{Stream: "profiles", Since: now.Add(-time.Hour)},
		{Stream: "profiles", Table: "a", Profiles: workspace.ProfileFilter{Where: `properties["plan"] == "pro"`, OutputProperties: []string{"plan"}}},
		{Stream: "profiles", Table: "b", Profiles: workspace.ProfileFilter{Cohort: 102, OmitUsersWithoutProfile: true}},
		{Stream: "profiles", Table: "c", Profiles: workspace.ProfileFilter{DistinctIDs: []string{"x", "y"}}},
		{Stream: "profiles", Table: "d", Profiles: workspace.ProfileFilter{Group: mixpaneltest.SampleGroup}},
		{Stream: "profiles", Table: "e", Profiles: workspace.ProfileFilter{
			Behaviors: `[{"window":"5d","name":"b","event_selectors":[{"event":"Search"}]}]`, Where: `behaviors["b"] > 0`, AsOf: now,
		}},
	} {
		if _, err := again().FetchStream(t.Context(), r, func(workspace.Progress) {}); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	t.Run("OpenAPI", func(t *testing.T) {
		t.Parallel()
		contracts := map[string]openapitest.Checker{}
		undescribed := 0
		for _, r := range sent.all {
			file, base := openapitest.Describes(r.URL.Path)
			switch _, known := contracts[file]; {
			case file == "":
				undescribed++
				if parts := strings.Split(r.URL.Path, "/"); !slices.Contains([]string{"bookmarks", "lookup-tables"}, parts[len(parts)-1]) {
					t.Errorf("%s is not described", r.URL.Path)
				}
				continue
			case !known:
				contracts[file] = openapitest.NewChecker(t, file, base) // or skip
			}
			contracts[file].Check(t, r)
		}
		if len(contracts) != 4 || undescribed == 0 || len(sent.all) < 100 {
			t.Errorf("%d requests of %d files, %d not described", len(sent.all), len(contracts), undescribed)
		}
	})
}
