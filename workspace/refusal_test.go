package workspace_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// Permanent rejections by Mixpanel cost few requests, whatever the message and the number of requested days.
func TestLastingRefusalsCostFewRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		refused  mixpaneltest.Fault
		days     int
		late     bool
		requests int // maximum
		hint     string
	}{
		{"another region", mixpaneltest.Fault{Status: 400, Text: `{"error":"invalid project id for cluster."}`}, 30, false, 1, "region"},
		{"an unknown text", mixpaneltest.Fault{Status: 400, Text: `{"error":"no such property"}`}, 30, false, 2, "where"},
		{"a text with numbers that change", mixpaneltest.Fault{Status: 400, Text: "request 7 refused"}, 30, false, 2, "where"},
		{"a single day", mixpaneltest.Fault{Status: 400, Text: "no"}, 1, false, 3, "where"},
		{"a page", mixpaneltest.Fault{Status: 413, Text: "<html><title>413</title></html>"}, 30, false, 1, "shorten"},
		{"another 4xx", mixpaneltest.Fault{Status: 418, Text: "teapot"}, 365, false, 2, "where"},
		{"a proxy", mixpaneltest.Fault{Status: 407}, 30, false, 1, "HTTPS_PROXY"},
		{"a search for late events", mixpaneltest.Fault{Status: 400, Text: "no"}, 30, true, 3, "where"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 5}, nil)
			to := date(t, "2026-11-20")
			r := workspace.FetchRequest{Table: "events", Days: day.Range{From: to - day.Day(tt.days) + 1, To: to}}
			if tt.late {
				f.must(t, r)
				r.LateSince = now.Add(-time.Hour)
			}
			before := len(f.fake.Requests())
			tt.refused.Kind = mixpaneltest.Refused
			f.inject(t, tt.refused)
			_, err := f.request(t, r)
			if err == nil || !workspace.Permanent(err) || !strings.Contains(fault.HintOf(err), tt.hint) {
				t.Errorf("error = %v (hint %q), want a permanent one with a hint about %q", err, fault.HintOf(err), tt.hint)
			}
			if n := len(f.fake.Requests()) - before; n > tt.requests {
				t.Errorf("%d requests were sent, want at most %d", n, tt.requests)
			}
			if _, err := f.Stream(t.Context(), r, func([]byte) error { return nil }); !tt.late && (err == nil || !workspace.Permanent(err)) {
				t.Errorf("stream = %v, want a permanent error", err)
			}
		})
	}
}

// Temporary rejections lose no day: neither a single one, nor several between successful windows.
func TestPassingRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 5}, singleDays)
	r := days(t, "2026-11-01", "2026-11-09")
	for text, d := range map[string]day.Day{"not now": r.From, "later": r.From + 4, "busy": r.From + 8} { // one text for two days would be permanent
		f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Refused, Text: text, Times: 1, Days: day.Range{From: d, To: d}})
	}
	p := f.must(t, workspace.FetchRequest{Table: "events", Days: r})
	if p.Retries != 3 || p.Trouble != "" {
		t.Errorf("progress = %+v, want three retries and no trouble left", p)
	}
	f.check(t, r)
}

// While nothing has succeeded, one request is sent at a time, and a few failures end an attempt.
func TestNothingWorksFromTheStart(t *testing.T) {
	t.Parallel()
	for _, kind := range []mixpaneltest.Kind{mixpaneltest.Status503, mixpaneltest.ResetAtOnce, mixpaneltest.HalfLine} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 5}, nil)
			f.inject(t, mixpaneltest.Fault{Kind: kind})
			p, err := f.request(t, workspace.FetchRequest{Table: "events", Days: days(t, "2026-01-01", "2026-11-20")})
			if err == nil || workspace.Permanent(err) || p.Trouble == "" {
				t.Errorf("error = %v, trouble %q; want one that may pass", err, p.Trouble)
			}
			if p.Requests > 3 {
				t.Errorf("%d requests were sent, want at most 3", p.Requests)
			}
		})
	}
}

// A failing first day does not affect other days.
func TestOnlyTheFirstDayFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 5}, nil)
	r := days(t, "2026-11-01", "2026-11-12")
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503, Days: day.Range{From: r.From, To: r.From}})
	_, err := f.request(t, workspace.FetchRequest{Table: "events", Days: r})
	if failed, ok := errors.AsType[*workspace.DaysError](err); !ok || len(failed.Failed) != 1 || failed.Failed[0].Days.Len() != 1 {
		t.Errorf("error = %v, want one about the first day", err)
	}
	if stored := f.checkWhole(t); stored != 11 {
		t.Errorf("%d days are stored, want 11", stored)
	}
}

// Requests that repeat failed ones use only the spare budget, and the reason is still shown after the pause.
func TestRepeatsLeaveTheReserve(t *testing.T) {
	t.Parallel()
	own, repeats := &allowance{left: 100}, &allowance{left: 2, until: now.Add(time.Hour)}
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 5}, func(_ *mixpaneltest.Project, c *workspace.Config) {
		c.Budget, c.RepeatBudget, c.WindowDays, c.Downloads = own, repeats, 1, 1
	})
	r := days(t, "2026-11-01", "2026-11-03")
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503, Days: day.Range{From: r.To, To: r.To}})
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status503, Days: day.Range{From: r.From + 1, To: r.From + 1}})
	p, err := f.FetchEvents(context.Background(), workspace.FetchRequest{Table: "events", Days: r, Job: "job"}, func(workspace.Progress) {})
	if _, ok := errors.AsType[*workspace.PauseError](err); !ok {
		t.Fatalf("error = %v, want a pause", err)
	}
	if own.left != 97 || repeats.left != 0 {
		t.Errorf("%d and %d requests are left, want 97 of the fetch's own and none of the repeats'", own.left, repeats.left)
	}
	if !strings.Contains(p.Trouble, "503") {
		t.Errorf("trouble = %q, want the 503", p.Trouble)
	}
}
