package mixpanel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

func TestQueriesSendWhatWasAsked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		call call
		want string // path and query, below /api/query/
	}{
		{"names", queries()["/events/names"], "events/names?limit=3&project_id=12345&type=general"},
		{"no limit", func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.EventNames(ctx, 1, 0)
			return err
		}, "events/names?project_id=1&type=general"},
		{"top events", queries()["/events/top"], "events/top?limit=3&project_id=12345&type=unique"},
		{"top events, as they are by default", func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.TopEvents(ctx, 1, "", 0)
			return err
		}, "events/top?project_id=1&type=general"},
		{"properties", queries()["/events/properties/top"], "events/properties/top?event=Search&limit=3&project_id=12345"},
		{"values", func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.PropertyValues(ctx, 1, "a&b=ü", "$os", 0)
			return err
		}, "events/properties/values?event=a%26b%3D%C3%BC&name=%24os&project_id=1"},
		{
			"a segmentation", queries()["/segmentation"],
			"segmentation?event=Search&from_date=2026-10-01&limit=3&on=" + url.QueryEscape(`properties["$os"]`) +
				"&project_id=12345&to_date=2026-10-07&type=average&unit=hour&where=" + url.QueryEscape(`properties["plan"] == "pro"`),
		},
		{"a short segmentation", func(ctx context.Context, c *mixpanel.Client) error {
			_, err := c.Segmentation(ctx, mixpanel.SegmentationRequest{Project: 1, Event: "Search", Days: october().Days})
			return err
		}, "segmentation?event=Search&from_date=2026-10-01&project_id=1&to_date=2026-10-07"},
		{"saved funnels", queries()["/funnels/list"], "funnels/list?project_id=12345"},
		{
			"a funnel", queries()["/funnels"],
			"funnels?from_date=2026-10-01&funnel_id=7509&project_id=12345&to_date=2026-10-07&unit=week&where=" +
				url.QueryEscape(`properties["plan"] == "pro"`),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				if got := r.URL.Path + "?" + r.URL.RawQuery; r.Method != http.MethodGet || got != "/api/query/"+tt.want {
					t.Errorf("%s %s, want GET /api/query/%s", r.Method, got, tt.want)
				}
				if user, pass, _ := r.BasicAuth(); user != testUser || pass != testSecret || r.UserAgent() != "mixduck" {
					t.Errorf("credentials = %s:%s, user agent %s", user, pass, r.UserAgent())
				}
			})
			_ = tt.call(t.Context(), c) // the response is empty
		})
	}
}

func TestQueriesRefuseNonsense(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	segmentation := func(edit func(*mixpanel.SegmentationRequest)) error {
		r := search()
		edit(&r)
		_, err := c.Segmentation(t.Context(), r)
		return err
	}
	funnel := func(edit func(*mixpanel.FunnelRequest)) error {
		r := checkout()
		edit(&r)
		_, err := c.Funnel(t.Context(), r)
		return err
	}
	_, noProject := c.FunnelList(t.Context(), 0)
	_, negative := c.EventNames(t.Context(), 1, -1)
	_, analysis := c.TopEvents(t.Context(), 1, "median", 0)
	_, noEvent := c.EventProperties(t.Context(), 1, "", 0)
	_, noName := c.PropertyValues(t.Context(), 1, "Search", "", 0)
	for name, err := range map[string]error{
		"no project":          noProject,
		"a negative limit":    negative,
		"an unknown analysis": analysis,
		"no event":            noEvent,
		"no property":         noName,
		"no days":             segmentation(func(r *mixpanel.SegmentationRequest) { r.Days.To = r.Days.From - 1 }),
		"nothing to count":    segmentation(func(r *mixpanel.SegmentationRequest) { r.Event = "" }),
		"a broken condition":  segmentation(func(r *mixpanel.SegmentationRequest) { r.Where = "\xff" }),
		"a broken expression": segmentation(func(r *mixpanel.SegmentationRequest) { r.On = "\xff" }),
		"weeks":               segmentation(func(r *mixpanel.SegmentationRequest) { r.Unit = mixpanel.UnitWeek }),
		"too many segments":   segmentation(func(r *mixpanel.SegmentationRequest) { r.Limit = 10_001 }),
		"no funnel":           funnel(func(r *mixpanel.FunnelRequest) { r.Funnel = 0 }),
		"hours":               funnel(func(r *mixpanel.FunnelRequest) { r.Unit = mixpanel.UnitHour }),
	} {
		wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonBadRequest)
		if fault.CodeOf(err) != fault.CodeUsage || !strings.HasPrefix(err.Error(), "query ") {
			t.Errorf("%s: %v (%s), want an error of usage that names the call", name, err, fault.CodeOf(err))
		}
	}
}

func TestEachFaultOfAQueryHasItsError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  mixpaneltest.Fault
		action mixpanel.Action
		reason mixpanel.Reason
		code   fault.Code
		hint   string // part of it
	}{
		{mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 20 * time.Minute}, mixpanel.Pause, mixpanel.ReasonQuota, fault.CodeRateLimited, "wait 20m0s; Mixpanel allows 60 queries"},
		{mixpaneltest.Fault{Kind: mixpaneltest.TooManyAtOnce}, mixpanel.Pause, mixpanel.ReasonBusy, fault.CodeRateLimited, "5 at the same time"},
		{mixpaneltest.Fault{Kind: mixpaneltest.Bare429}, mixpanel.Retry, mixpanel.ReasonQuota, fault.CodeRateLimited, "wait a while"},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status402}, mixpanel.GiveUp, mixpanel.ReasonPlan, fault.CodeFailed, "Query API"},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status403}, mixpanel.GiveUp, mixpanel.ReasonTooOld, fault.CodeUsage, "last 90 days"},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status404}, mixpanel.GiveUp, mixpanel.ReasonNotFound, fault.CodeNotFound, "ids"},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status500}, mixpanel.Retry, mixpanel.ReasonServer, fault.CodeFailed, ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status502}, mixpanel.Retry, mixpanel.ReasonServer, fault.CodeFailed, ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError}, mixpanel.Retry, mixpanel.ReasonTimeout, fault.CodeFailed, "fewer days"},
		{mixpaneltest.Fault{Kind: mixpaneltest.ResetAtOnce}, mixpanel.Retry, mixpanel.ReasonNetwork, fault.CodeFailed, "network"},
		{mixpaneltest.Fault{Kind: mixpaneltest.CutConnection}, mixpanel.Retry, mixpanel.ReasonTruncated, fault.CodeFailed, "again"},
		{mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, AtEnd: true}, mixpanel.Retry, mixpanel.ReasonTruncated, fault.CodeFailed, "again"},
		{mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer}, mixpanel.Retry, mixpanel.ReasonTruncated, fault.CodeFailed, "again"},
		{mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC}, mixpanel.Retry, mixpanel.ReasonTruncated, fault.CodeFailed, "again"},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			fake, c := serveEvents(t, 20)
			tt.fault.Call = "segmentation"
			injection, err := fake.Inject(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			r := week()
			r.Unit = mixpanel.UnitHour // so that the response is long enough for gzip
			_, err = c.Segmentation(t.Context(), r)
			wantError(t, err, tt.action, tt.reason)
			if fault.CodeOf(err) != tt.code || !strings.Contains(fault.HintOf(err), tt.hint) || (tt.hint == "") != (fault.HintOf(err) == "") {
				t.Errorf("%v (%s, try %q), want %s, try %q", err, fault.CodeOf(err), fault.HintOf(err), tt.code, tt.hint)
			}
			if !strings.HasPrefix(err.Error(), "query segmentation: mixpanel") || injection.Hits() == 0 {
				t.Errorf("%v after %d hits, want an error that names the call", err, injection.Hits())
			}
			injection.Remove()
			if _, err := c.Segmentation(t.Context(), r); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestQueriesKnowWrongCredentials(t *testing.T) {
	t.Parallel()
	fake, _ := serveEvents(t, 1)
	stranger := newClient(t, mixpanel.Config{BaseURL: fake.URL})
	for path, call := range queries() {
		err := call(t.Context(), stranger)
		e := wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonAuth)
		if e.Status != http.StatusUnauthorized || fault.CodeOf(err) != fault.CodeAuth || !strings.Contains(err.Error(), path[1:]) {
			t.Errorf("%s: %v (%s)", path, err, fault.CodeOf(err))
		}
	}
}

func TestQueriesReadTheWholeAnswer(t *testing.T) {
	t.Parallel()
	zip := func(text string) string {
		var z bytes.Buffer
		zw := gzip.NewWriter(&z)
		_, _ = io.WriteString(zw, text)
		_ = zw.Close()
		return z.String()
	}
	tests := []struct {
		name, encoding, body string
		action               mixpanel.Action // "" means a response
		reason               mixpanel.Reason
		text                 string // in the error
	}{
		{"plain", "", ` ["a","b"] `, "", "", ""},
		{"gzip", "gzip", zip(`["a","b"]`), "", "", ""},
		{"nothing", "", "", mixpanel.Retry, mixpanel.ReasonServer, "unexpected response"},
		{"null", "", " null\n", mixpanel.Retry, mixpanel.ReasonServer, "null"},
		{"a page", "", "<html>log in</html>", mixpanel.Retry, mixpanel.ReasonServer, "unexpected response"},
		{"another form", "", `{"names":["a"]}`, mixpanel.Retry, mixpanel.ReasonServer, "unexpected response"},
		{"more than one answer", "", `["a"] ["b"]`, mixpanel.Retry, mixpanel.ReasonServer, "unexpected response"},
		{"half", "", `["a","b`, mixpanel.Retry, mixpanel.ReasonServer, "unexpected response"},
		{"an error in place of an answer", "", `{"error":"Timeout Error."}`, mixpanel.Retry, mixpanel.ReasonTimeout, "Timeout Error."},
		{"an unknown error", "", `{"error":"hm ` + testSecret + `"}`, mixpanel.Retry, mixpanel.ReasonBadRequest, "200 OK: hm [redacted]"},
		{"a limit in place of an answer", "", `{"error":"Query rate limit exceeded"}`, mixpanel.Pause, mixpanel.ReasonQuota, "limit"},
		{"no gzip", "gzip", `["a","b"]`, mixpanel.Retry, mixpanel.ReasonTruncated, "corrupt"},
		{"half of gzip", "gzip", zip(`["a","b"]`)[:20], mixpanel.Retry, mixpanel.ReasonTruncated, "corrupt"},
		{"too much", "gzip", zip(strings.Repeat(" ", 33<<20)), mixpanel.GiveUp, mixpanel.ReasonBadRequest, "larger"},
		{"an unknown encoding", "br", `["a","b"]`, mixpanel.Retry, mixpanel.ReasonServer, "encoding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				_, _ = io.WriteString(w, tt.body)
			})
			names, err := c.EventNames(t.Context(), 1, 0)
			if tt.action == "" {
				if err != nil || strings.Join(names, ",") != "a,b" {
					t.Errorf("EventNames = %q, %v, want a, b", names, err)
				}
				return
			}
			wantError(t, err, tt.action, tt.reason)
			if !strings.Contains(err.Error(), tt.text) || names != nil {
				t.Errorf("EventNames = %q, %v, want something about %q alone", names, err, tt.text)
			}
		})
	}
}

func TestFiveQueriesOfAProjectAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, r *http.Request) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			if r.URL.Query().Get("project_id") == "1" {
				<-time.After(time.Second)
			}
			_, _ = io.WriteString(w, "[]")
		})
		defer stop()
		start := time.Now()
		var asked sync.WaitGroup
		for range 12 {
			asked.Go(func() {
				if _, err := c.EventNames(t.Context(), 1, 0); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait() // five are running

		if _, err := c.EventNames(t.Context(), 2, 0); err != nil || time.Since(start) != 0 {
			t.Errorf("another project waited %s; %v", time.Since(start), err)
		}
		why := errors.New("nobody wants to know any more")
		gone, end := context.WithCancelCause(t.Context())
		end(why)
		if _, err := c.EventNames(gone, 1, 0); !errors.Is(err, why) || time.Since(start) != 0 {
			t.Errorf("cancelled in line: %v after %s, want %v at once", err, time.Since(start), why)
		}
		asked.Wait()
		if took := time.Since(start); most.Load() != 6 || took != 3*time.Second {
			t.Errorf("%d at once, %s in all; want 5 and one of another project, and 3s", most.Load(), took)
		}
	})
}
