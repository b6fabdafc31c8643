package mixpanel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

// lists returns each call that lists what is saved in a project, by the call's name in errors and faults.
func lists() map[string]func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
	return map[string]func(ctx context.Context, c *mixpanel.Client, project int64) (any, error){
		"cohorts/list": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.Cohorts(ctx, project)
		},
		"funnels/list": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.FunnelList(ctx, project)
		},
		"schemas": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.Lexicon(ctx, project)
		},
		"lookup-tables": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.LookupTables(ctx, project)
		},
		"annotations": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.Annotations(ctx, project, day.Range{})
		},
		"bookmarks": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.Bookmarks(ctx, project, "")
		},
		"insights": func(ctx context.Context, c *mixpanel.Client, project int64) (any, error) {
			return c.SavedReport(ctx, project, 3)
		},
	}
}

func TestListsAreReadExactly(t *testing.T) {
	t.Parallel()
	const (
		cohort     = `{"count":9007199254740993,"is_visible":0,"description":null,"created":"2019-03-19 23:49:51","project_id":1,"id":1000,"name":"One","data_group_id":9007199254740993}`
		annotation = `{"date":"2026-10-01 10:00:00","description":"Launch \u00fc","id":7,"user":{"id":5,"first_name":"Ann","last_name":"Lee"},"tags":[{"id":1,"name":"release"}]}`
		search     = `{"entityType":"event","name":"Search","schemaJson":{"description":"A search","properties":{"q":{"type":"string","description":"words","metadata":{"com.mixpanel":{"displayName":"Query","hidden":true}}},"n":{"type":["number","null"]}},` +
			`"metadata":{"com.mixpanel":{"$source":"x","displayName":"Searched","tags":["core"],"hidden":true,"dropped":false,"contacts":["a@example.com"],"teamContacts":["team"]}}}}`
		bookmark = `{"id":63877017,"name":"Revenue","type":"insights","description":"","created":"2025-01-02T03:04:05","modified":"2025-02-03T04:05:06","creator_name":"Ann","dashboard_id":77,"params":{"x":9007199254740993}}`
		report   = `{"computed_at":"2020-09-21T16:35:41+00:00","date_range":{"from_date":"2020-08-31","to_date":"2020-09-12"},"headers":["$event"],"series":{"Logged in":{"2020-08-31":9007199254740993}}}`
	)
	tests := []struct {
		call, body string
		want       any // nil means that it is not understood
	}{
		{"cohorts/list", "[" + cohort + "]", []mixpanel.Cohort{{
			ID: 1000, Name: "One", Created: "2019-03-19 23:49:51", Count: 9007199254740993, Group: "9007199254740993", Raw: json.RawMessage(cohort),
		}}},
		{"cohorts/list", "[]", []mixpanel.Cohort{}},
		{"cohorts/list", "[" + cohort + "," + cohort + "]", nil},
		{"cohorts/list", `[{"name":"no id"}]`, nil},
		{"cohorts/list", `[{"id":1,"name":["a"]}]`, nil},
		{"cohorts/list", `[{"id":1,"is_visible":"yes"}]`, nil},
		{"cohorts/list", `{"results":[]}`, nil},
		{"annotations", `{"status":"ok","results":[` + annotation + `]}`, []mixpanel.Annotation{{
			ID: 7, Date: "2026-10-01 10:00:00", Description: "Launch ü", User: "Ann Lee", UserID: "5", Tags: []string{"release"}, Raw: json.RawMessage(annotation),
		}}},
		{"annotations", `{"status":"ok","results":[{"id":7,"user":null}]}`, []mixpanel.Annotation{{ID: 7, Raw: json.RawMessage(`{"id":7,"user":null}`)}}},
		{"annotations", `{"status":"error","results":[]}`, nil},
		{"annotations", `{"status":"ok"}`, nil},
		{"annotations", `{"status":"ok","results":null}`, nil},
		{"annotations", `{"status":"ok","results":[` + annotation, nil},
		{"schemas", `{"status":"ok","results":[` + search + `]}`, []mixpanel.LexiconEntry{{
			Kind: "event", Name: "Search", DisplayName: "Searched", Description: "A search", Tags: []string{"core"}, Hidden: true, Source: "x",
			Contacts: []string{"a@example.com"}, TeamContacts: []string{"team"}, Raw: json.RawMessage(search),
			Properties: []mixpanel.LexiconProperty{
				{Name: "n", Type: `["number","null"]`, Raw: json.RawMessage(`{"type":["number","null"]}`)},
				{Name: "q", Type: "string", DisplayName: "Query", Description: "words", Hidden: true, Raw: json.RawMessage(`{"type":"string","description":"words","metadata":{"com.mixpanel":{"displayName":"Query","hidden":true}}}`)},
			},
		}}},
		{"schemas", `{"status":"ok","results":[{"entityType":"event","name":"a"}]}`, nil},
		{"schemas", `{"status":"ok","results":[` + search + `,` + search + `]}`, nil},
		{"bookmarks", `{"results":[` + bookmark + `]}`, []mixpanel.Bookmark{{
			ID: 63877017, Name: "Revenue", Type: "insights", Created: "2025-01-02T03:04:05", Modified: "2025-02-03T04:05:06", Creator: "Ann", Dashboard: "77",
			Raw: json.RawMessage(bookmark),
		}}},
		{"bookmarks", `{"bookmarks":[]}`, nil},
		{"lookup-tables", `{"code":200,"status":"OK","results":[{"id":"5e-1","name":"SKUs"}]}`, []mixpanel.LookupTable{{ID: "5e-1", Name: "SKUs", Raw: json.RawMessage(`{"id":"5e-1","name":"SKUs"}`)}}},
		{"lookup-tables", `{"code":200,"status":"OK","results":[{"name":"SKUs"}]}`, nil},
		{"insights", report, mixpanel.SavedReport{
			ComputedAt: "2020-09-21T16:35:41+00:00", From: "2020-08-31", To: "2020-09-12", Headers: []string{"$event"},
			Series: json.RawMessage(`{"Logged in":{"2020-08-31":9007199254740993}}`), Raw: json.RawMessage(report),
		}},
		{"insights", `{"computed_at":"x","series":null}`, nil},
		{"funnels/list", `[{"funnel_id":1,"name":"a"},{"funnel_id":1,"name":"b"}]`, nil},
		{"funnels/list", `[{"name":"a"}]`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.call+" "+tt.body, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			got, err := lists()[tt.call](t.Context(), c, 12345)
			if tt.want == nil {
				wantError(t, err, mixpanel.Retry, mixpanel.ReasonServer)
				return
			}
			if diff := gocmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// filled gives the project something saved of each kind.
func filled(cfg *mixpaneltest.Config) {
	p := &cfg.Projects[0]
	p.Annotations = []mixpaneltest.Annotation{
		{ID: 1, Date: "2026-10-01 10:00:00", Description: "One", Tags: []mixpaneltest.AnnotationTag{{ID: 5, Name: "release"}}},
		{ID: 2, Date: "2026-09-01 10:00:00", Description: "Two"},
	}
	p.Lexicon = []mixpaneltest.LexiconEntry{{Kind: "event", Name: "Search", Schema: []byte(`{"description":"A search"}`)}}
	p.Bookmarks = []mixpaneltest.Bookmark{{ID: 3, Name: "Searches", Type: "insights", Series: []byte(`{"Search":{"2026-10-01":9007199254740993}}`)}}
	p.LookupTables = []mixpaneltest.LookupTable{{ID: "5e-1", Name: "SKUs"}}
}

func TestListsHoldWhatTheStandInKnows(t *testing.T) {
	t.Parallel()
	fake, c := site(t, filled)
	check := func(what string, got, want any) {
		t.Helper()
		if diff := gocmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
			t.Errorf("%s (-truth +got):\n%s", what, diff)
		}
	}
	must := func(v any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	raws := func(v any) (all []string) {
		switch v := v.(type) {
		case []mixpanel.Cohort:
			for _, one := range v {
				all = append(all, string(one.Raw))
			}
		case []mixpanel.Annotation:
			for _, one := range v {
				all = append(all, string(one.Raw))
			}
		case []mixpanel.LexiconEntry:
			for _, one := range v {
				all = append(all, string(one.Raw))
			}
		case []mixpanel.LookupTable:
			for _, one := range v {
				all = append(all, string(one.Raw))
			}
		}
		return all
	}
	texts := func(v any) (all []string) {
		var parts []json.RawMessage
		text, err := json.Marshal(v)
		if err != nil || json.Unmarshal(text, &parts) != nil {
			t.Fatalf("%v: %v", v, err)
		}
		for _, part := range parts {
			all = append(all, string(part))
		}
		return all
	}
	for range 2 {
		check("cohorts", raws(must(c.Cohorts(t.Context(), 12345))), texts(must(fake.Cohorts(12345))))
		check("annotations", raws(must(c.Annotations(t.Context(), 12345, day.Range{}))), texts(must(fake.Annotations(12345))))
		check("lexicon", raws(must(c.Lexicon(t.Context(), 12345))), texts(must(fake.Lexicon(12345))))
		check("lookup tables", raws(must(c.LookupTables(t.Context(), 12345))), texts(must(fake.LookupTables(12345))))
		if t.Failed() {
			return
		}
		_ = fake.DeleteAnnotation(12345, 1)
		_ = fake.PutMember(12345, 7, "new")
		_ = fake.PutLexicon(12345, mixpaneltest.LexiconEntry{Kind: "event", Name: "Search", Schema: []byte(`{"description":"changed"}`)})
		c = newClient(t, mixpanel.Config{BaseURL: fake.URL}) // Lexicon can be asked for at once
	}
	some, err := c.Annotations(t.Context(), 12345, october().Days)
	if err != nil || len(some) != 0 {
		t.Errorf("annotations of October = %v, %v; want none any more", some, err)
	}
	report, err := c.SavedReport(t.Context(), 12345, 3)
	if err != nil || string(report.Series) != `{"Search":{"2026-10-01":9007199254740993}}` {
		t.Errorf("report = %+v, %v", report, err)
	}
	insights, err := c.Bookmarks(t.Context(), 12345, "insights")
	if err != nil || len(insights) != 1 || insights[0].Name != "Searches" {
		t.Errorf("bookmarks = %+v, %v", insights, err)
	}
}

func TestListsKnowTheirFaults(t *testing.T) {
	t.Parallel()
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := site(t, filled)
			_, err := list(t.Context(), c, 0)
			wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonBadRequest)
			if fault.CodeOf(err) != fault.CodeUsage || !strings.HasPrefix(err.Error(), "query "+name+": ") {
				t.Errorf("no project: %v (%s)", err, fault.CodeOf(err))
			}
			for _, tt := range []struct {
				kind   mixpaneltest.Kind
				action mixpanel.Action
				reason mixpanel.Reason
			}{
				{mixpaneltest.Status402, mixpanel.GiveUp, mixpanel.ReasonPlan},
				{mixpaneltest.OverQuota, mixpanel.Pause, mixpanel.ReasonQuota},
				{mixpaneltest.CutConnection, mixpanel.Retry, mixpanel.ReasonTruncated},
				{mixpaneltest.TimeoutError, mixpanel.Retry, mixpanel.ReasonTimeout},
			} {
				injection, err := fake.Inject(mixpaneltest.Fault{Kind: tt.kind, Call: name})
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, mixpanel.Config{BaseURL: fake.URL}) // Lexicon can be asked for at once
				_, err = list(t.Context(), c, 12345)
				wantError(t, err, tt.action, tt.reason)
				if hint := fault.HintOf(err); tt.kind == mixpaneltest.OverQuota && name == "schemas" && !strings.Contains(hint, "5 requests a minute") {
					t.Errorf("hint = %q", hint)
				}
				injection.Remove()
			}
			if _, err := list(t.Context(), newClient(t, mixpanel.Config{BaseURL: fake.URL}), 12345); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// Six requests for Lexicon take more than a minute, and other calls do not wait for them.
func TestLexiconIsPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"status":"ok","results":[]}`)
		})
		defer stop()
		start := time.Now()
		for range 6 {
			if _, err := c.Lexicon(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < time.Minute || took > 70*time.Second {
			t.Errorf("six requests took %s", took)
		}
		start = time.Now()
		if _, err := c.Annotations(t.Context(), 1, day.Range{}); err != nil || time.Since(start) != 0 {
			t.Errorf("annotations: %v after %s", err, time.Since(start))
		}
	})
}

func TestCountsOfTheQueryAPI(t *testing.T) {
	t.Parallel()
	_, c := site(t, nil)
	days := day.Range{From: day.New(2026, 10, 1), To: day.New(2026, 10, 3)}
	total := func(s mixpanel.Segmentation) (sum float64) {
		for _, units := range s.Values {
			for _, n := range units {
				f, err := n.Float64()
				if err != nil {
					t.Error(err)
				}
				sum += f
			}
		}
		return sum
	}
	one, err := c.Segmentation(t.Context(), mixpanel.SegmentationRequest{Project: 12345, Event: "Page Viewed", Days: days})
	if err != nil || total(one) == 0 {
		t.Fatal(one, err)
	}
	counts, err := c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 12345, Events: []string{"Page Viewed"}, Days: days})
	if diff := gocmp.Diff(one, counts); err != nil || diff != "" {
		t.Errorf("event counts: %v (-segmentation +got):\n%s", err, diff)
	}
	plans, err := c.PropertyCounts(t.Context(), mixpanel.PropertyCountsRequest{Project: 12345, Event: "Page Viewed", Property: "plan", Days: days})
	if err != nil || total(plans) != total(one) || len(plans.Values) < 2 {
		t.Errorf("counts by plan = %v, %v; want %v in all", plans, err, total(one))
	}
	r := mixpanel.NumericRequest{Project: 12345, Event: "Page Viewed", Days: days, On: `properties["price"]`}
	buckets, err := c.NumericBuckets(t.Context(), r)
	if err != nil || total(buckets) != total(one) {
		t.Errorf("buckets = %v, %v; want %v in all", buckets, err, total(one))
	}
	sums, err := c.NumericSum(t.Context(), r)
	averages, err2 := c.NumericAverage(t.Context(), r)
	if err != nil || err2 != nil || len(sums) != 3 || len(averages) != 3 {
		t.Fatal(sums, averages, err, err2)
	}
	for unit, sum := range sums {
		s, _ := sum.Float64()
		average, _ := averages[unit].Float64()
		n, _ := one.Values["Page Viewed"][unit].Float64()
		if d := s - average*n; d > 0.01 || d < -0.01 || s == 0 {
			t.Errorf("%s: the sum is %v, the average %v of %v", unit, s, average, n)
		}
	}
	periods, err := c.Retention(t.Context(), mixpanel.RetentionRequest{Project: 12345, Born: "Page Viewed", Days: days, Intervals: 3})
	if err != nil || len(periods) != 3 || periods[0].Start != days.From || len(periods[0].Counts) != 3 || periods[0].First == 0 {
		t.Errorf("retention = %+v, %v", periods, err)
	}
}

func TestCountsRefuseNonsense(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	days := october().Days
	last := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"no events":             last(c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 1, Days: days})),
		"an empty event":        last(c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 1, Events: []string{""}, Days: days})),
		"no property":           last(c.PropertyCounts(t.Context(), mixpanel.PropertyCountsRequest{Project: 1, Event: "a", Days: days})),
		"nothing to add up":     last(c.NumericSum(t.Context(), mixpanel.NumericRequest{Project: 1, Event: "a", Days: days})),
		"a sum of people":       last(c.NumericSum(t.Context(), mixpanel.NumericRequest{Project: 1, Event: "a", Days: days, On: "x", Type: mixpanel.AnalysisUnique})),
		"numbers by month":      last(c.NumericBuckets(t.Context(), mixpanel.NumericRequest{Project: 1, Event: "a", Days: days, On: "x", Unit: mixpanel.UnitMonth})),
		"nobody is taken in":    last(c.Retention(t.Context(), mixpanel.RetentionRequest{Project: 1, Days: days})),
		"a negative interval":   last(c.Retention(t.Context(), mixpanel.RetentionRequest{Project: 1, Born: "a", Days: days, Interval: -1})),
		"no report":             last(c.SavedReport(t.Context(), 1, 0)),
		"annotations of no day": last(c.Annotations(t.Context(), 1, day.Range{From: days.To, To: days.From})),
	} {
		e := wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonBadRequest)
		if fault.CodeOf(err) != fault.CodeUsage || e.Status != 0 {
			t.Errorf("%s: %v (%s)", name, err, fault.CodeOf(err))
		}
	}
}

func TestFunnelsHoldWhatTheStandInKnows(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	days := october().Days
	want, err := fake.FunnelDays(12345, 7509, days)
	if err != nil {
		t.Fatal(err)
	}
	periods, err := c.Funnel(t.Context(), mixpanel.FunnelRequest{Project: 12345, Funnel: 7509, Days: days})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[day.Day]string)
	for _, p := range periods {
		got[p.Start] = string(p.Raw)
	}
	if diff := gocmp.Diff(want, got); diff != "" || len(got) != 7 {
		t.Errorf("%d days (-truth +got):\n%s", len(got), diff)
	}
	if _, err := fake.FunnelDays(12345, 1, days); err == nil {
		t.Error("a funnel that is not there has days")
	}
}

// Events that are hidden in Lexicon are not in the lists of events, but they are counted.
func TestHiddenEventsAreNotListed(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	has := func() (listed, top bool) {
		names, err := c.EventNames(t.Context(), 12345, 0)
		if err != nil {
			t.Fatal(err)
		}
		events, err := c.TopEvents(t.Context(), 12345, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(names, "Page Viewed"), slices.ContainsFunc(events, func(e mixpanel.TopEvent) bool { return e.Event == "Page Viewed" })
	}
	if listed, top := has(); !listed || !top {
		t.Errorf("before: listed %t, top %t", listed, top)
	}
	if err := fake.PutLexicon(12345, mixpaneltest.LexiconEntry{Kind: "event", Name: "Page Viewed", Schema: []byte(`{"metadata":{"com.mixpanel":{"hidden":true}}}`)}); err != nil {
		t.Fatal(err)
	}
	if listed, top := has(); listed || top {
		t.Errorf("hidden: listed %t, top %t", listed, top)
	}
	counts, err := c.EventCounts(t.Context(), mixpanel.CountsRequest{Project: 12345, Events: []string{"Page Viewed"}, Days: october().Days})
	if err != nil || len(counts.Values["Page Viewed"]) != 7 {
		t.Errorf("counts = %v, %v", counts, err)
	}
}
