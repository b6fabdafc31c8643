package mixpanel_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/mixpanel"
)

// people is a query with as many fields set as possible.
func people() mixpanel.EngageQuery {
	return mixpanel.EngageQuery{
		Project: 12345, Where: `properties["plan"] == "pro"`, OutputProperties: []string{"$email", "a&b<c>"}, Group: "9007199254740993",
		Cohort: 77, OmitUsersWithoutProfile: true, Page: 3, SessionID: "s-1",
	}
}

func TestEngageSendsWhatWasAsked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		q    mixpanel.EngageQuery
		want url.Values
	}{
		{"everything", mixpanel.EngageQuery{Project: 12345}, url.Values{}},
		{"all filters of a cohort", people(), url.Values{
			"where": {`properties["plan"] == "pro"`}, "output_properties": {`["$email","a&b<c>"]`}, "data_group_id": {"9007199254740993"},
			"filter_by_cohort": {`{"id":77}`}, "include_all_users": {"false"}, "page": {"3"}, "session_id": {"s-1"},
		}},
		{"one profile", mixpanel.EngageQuery{Project: 12345, DistinctID: "ü"}, url.Values{"distinct_id": {"ü"}}},
		{"some profiles", mixpanel.EngageQuery{Project: 12345, DistinctIDs: []string{"a", `"`}}, url.Values{"distinct_ids": {`["a","\""]`}}},
		{
			"behaviors",
			mixpanel.EngageQuery{Project: 12345, Behaviors: `[{"name":"x"}]`, AsOf: time.Unix(1700000000, 5)},
			url.Values{"behaviors": {`[{"name":"x"}]`}, "as_of_timestamp": {"1700000000"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Method + " " + r.URL.Path + "?" + r.URL.RawQuery; got != "POST /api/query/engage?project_id=12345" {
					t.Errorf("request = %s", got)
				}
				if user, pass, _ := r.BasicAuth(); user != testUser || pass != testSecret {
					t.Errorf("credentials = %s:%s", user, pass)
				}
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(tt.want, r.PostForm); diff != "" {
					t.Errorf("form (-want +got):\n%s", diff)
				}
				w.Header().Set("RateLimit", `"project";r=12;t=600`)
				_, _ = io.WriteString(w, `{"page":0}`)
			})
			body, err := c.EngagePage(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(body)
			if string(text) != `{"page":0}` || err != nil || len(body.Limits) != 1 || body.Limits[0].Remaining != 12 {
				t.Errorf("body = %q, %v, limits %v", text, err, body.Limits)
			}
			if err := errors.Join(body.Close(), body.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEngageRefusesNonsense(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	moment := time.Unix(1700000000, 0)
	for name, q := range map[string]mixpanel.EngageQuery{
		"no project":                           {},
		"one id and several":                   {Project: 1, DistinctID: "a", DistinctIDs: []string{"b"}},
		"an empty id":                          {Project: 1, DistinctIDs: []string{"a", ""}},
		"an id that is no text":                {Project: 1, DistinctID: "\xff"},
		"too many ids":                         {Project: 1, DistinctIDs: strings.Split(strings.Repeat("a,", 2000)+"a", ",")},
		"an empty property":                    {Project: 1, OutputProperties: []string{""}},
		"a condition that is no text":          {Project: 1, Where: "\xff"},
		"a group that is no text":              {Project: 1, Group: "\xff"},
		"a cohort and an id":                   {Project: 1, Cohort: 7, DistinctID: "a"},
		"a cohort and ids":                     {Project: 1, Cohort: 7, DistinctIDs: []string{"a"}},
		"a cohort and behaviors":               {Project: 1, Cohort: 7, Behaviors: "[]"},
		"a cohort that is none":                {Project: 1, Cohort: -7},
		"members without profile, no cohort":   {Project: 1, OmitUsersWithoutProfile: true},
		"a moment without behaviors":           {Project: 1, AsOf: moment},
		"behaviors that are no list":           {Project: 1, Behaviors: `{"name":"x"}`},
		"a later page of behaviors, no moment": {Project: 1, Behaviors: "[]", Page: 1, SessionID: "s"},
		"a negative page":                      {Project: 1, Page: -1, SessionID: "s"},
		"a session on page 0":                  {Project: 1, SessionID: "s"},
		"a later page without a session":       {Project: 1, Page: 1},
	} {
		_, err := c.EngagePage(t.Context(), q)
		wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonBadRequest)
		if fault.CodeOf(err) != fault.CodeUsage || !strings.HasPrefix(err.Error(), "query engage: ") {
			t.Errorf("%s: %v (%s), want an error of usage that names the call", name, err, fault.CodeOf(err))
		}
	}
}

func TestSeenSince(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 1, 2, 3, 4, 999, time.FixedZone("", 2*3600))
	const seen = `properties["$last_seen"] >= "2026-10-01T00:03:04"`
	if got := mixpanel.SeenSince(at, ""); got != seen {
		t.Errorf("SeenSince = %s, want %s", got, seen)
	}
	if got, want := mixpanel.SeenSince(at, `properties["a"] == "b"`), `(properties["a"] == "b") and (`+seen+`)`; got != want {
		t.Errorf("SeenSince = %s, want %s", got, want)
	}
}

// A body that is not closed is a running call.
func TestFivePagesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			_, _ = io.WriteString(w, "{}")
		})
		defer stop()
		var open []*mixpanel.Body
		for range 5 {
			body, err := c.EngagePage(t.Context(), mixpanel.EngageQuery{Project: 1})
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, body)
		}
		done := make(chan error)
		go func() {
			body, err := c.EngagePage(t.Context(), mixpanel.EngageQuery{Project: 1})
			if err == nil {
				err = body.Close()
			}
			done <- err
		}()
		synctest.Wait()
		if n := asked.Load(); n != 5 {
			t.Errorf("%d requests while five bodies are open, want 5", n)
		}
		_ = open[0].Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, body := range open {
			_ = body.Close() // the first one again: it must not release a place twice
		}
		for range 5 {
			if _, err := c.EventNames(t.Context(), 1, 0); err == nil {
				t.Error("an object is taken for names")
			}
		}
	})
}

func TestEngageKnowsAnEndedSession(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"request":"/api/query/engage","error":"request for page in uncached query for params"}`)
	})
	for range 7 { // more than there are places
		_, err := c.EngagePage(t.Context(), people())
		wantError(t, err, mixpanel.Retry, mixpanel.ReasonSession)
		if fault.HintOf(err) != "start again from page 0" {
			t.Errorf("hint = %q", fault.HintOf(err))
		}
	}
}
