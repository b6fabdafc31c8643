package mixpanel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// lists returns all calls that list saved data of a project, by their names in errors and faults.
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
		want       any // nil means that the response is invalid
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

// filled adds saved data of each kind to the project.
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
		c = newClient(t, mixpanel.Config{BaseURL: fake.URL}) // a new client does not have to wait for Lexicon
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
				c := newClient(t, mixpanel.Config{BaseURL: fake.URL}) // a new client does not have to wait for Lexicon
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
