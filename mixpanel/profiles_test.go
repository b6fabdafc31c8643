package mixpanel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/answer"
	"mixduck/internal/fault"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

const companies = "9223372036854775817" // above 2^63

// site returns a project with users, companies and cohorts, and its client.
func site(tb testing.TB, edit func(*mixpaneltest.Config)) (*mixpaneltest.Server, *mixpanel.Client) {
	tb.Helper()
	cfg := mixpaneltest.Config{
		Now: func() time.Time { return time.Date(2026, 10, 8, 12, 0, 0, 0, time.UTC) },
		Projects: []mixpaneltest.Project{{
			ID: 12345, Region: "us", Username: testUser, Secret: testSecret,
			Data:     mixpaneltest.Generator{Seed: 1, EventsPerDay: 50},
			Profiles: mixpaneltest.People{Seed: 1, Count: 57}, PageSize: 10,
			Groups: []mixpaneltest.Group{{Key: "company", ID: companies, Profiles: mixpaneltest.People{Seed: 2, Count: 25, Prefix: "company-"}}},
			Cohorts: []mixpaneltest.Cohort{
				{ID: 7, Name: "Some", Every: 4, Members: []string{"ghost-1", "ghost-2"}},
				{ID: 8, Name: "Companies", Group: companies, Every: 2},
			},
			Funnels: []mixpaneltest.Funnel{{ID: 7509, Name: "Purchase", Steps: []string{"Page Viewed", "Purchase"}}},
		}},
		Limits: mixpaneltest.Limits{Off: true}, QueryLimits: mixpaneltest.Limits{Off: true},
	}
	if edit != nil {
		edit(&cfg)
	}
	fake := mixpaneltest.Start(tb, cfg)
	c, err := mixpanel.New(mixpanel.Config{BaseURL: fake.URL, Username: testUser, Secret: secret.New(testSecret)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdleConnections)
	return fake, c
}

// readPage requests a page and returns its content.
func readPage(ctx context.Context, c *mixpanel.Client, q mixpanel.EngageQuery) (answer.PageInfo, mixpaneltest.ProfileTruth, error) {
	var got mixpaneltest.ProfileTruth
	body, err := c.EngagePage(ctx, q)
	if err != nil {
		return answer.PageInfo{}, got, err
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	if err != nil {
		return answer.PageInfo{}, got, err
	}
	var src io.Reader = bytes.NewReader(text)
	if body.Gzip {
		if src, err = gzip.NewReader(src); err != nil {
			return answer.PageInfo{}, got, err
		}
	}
	page := answer.NewPage(src, q.Page)
	for p, err := range page.All() {
		switch {
		case err != nil:
			return answer.PageInfo{}, got, err
		case p.Reason != nil:
			got.Quarantined = append(got.Quarantined, string(p.Text))
		default:
			got.Rows = append(got.Rows, mixpaneltest.ProfileRow{DistinctID: p.DistinctID, Properties: string(p.Properties), LastSeen: p.LastSeen})
		}
	}
	return page.Info(), got, nil
}

// readPages requests all pages of a query. It calls between before each page except the first.
func readPages(ctx context.Context, c *mixpanel.Client, q mixpanel.EngageQuery, between func()) (mixpaneltest.ProfileTruth, error) {
	first, all, err := readPage(ctx, c, q)
	if err != nil {
		return all, err
	}
	for q.Page = 1; q.Page < first.Pages(); q.Page++ {
		if between != nil {
			between()
		}
		q.SessionID = first.SessionID
		info, more, err := readPage(ctx, c, q)
		switch {
		case err != nil:
			return all, err
		case info.Total != first.Total && info.Total >= 0:
			return all, fmt.Errorf("the total was %d and is %d", first.Total, info.Total)
		case info.Profiles != first.Want(q.Page):
			return all, fmt.Errorf("page %d has %d profiles, want %d", q.Page, info.Profiles, first.Want(q.Page))
		}
		all.Rows = append(all.Rows, more.Rows...)
		all.Quarantined = append(all.Quarantined, more.Quarantined...)
	}
	slices.SortFunc(all.Rows, func(a, b mixpaneltest.ProfileRow) int { return strings.Compare(a.DistinctID, b.DistinctID) })
	slices.Sort(all.Quarantined)
	return all, nil
}

// filters returns queries, and what a copy of the same data holds.
func filters() map[string]struct {
	q    mixpanel.EngageQuery
	want mixpaneltest.ProfileAsk
	n    int // of profiles, at least
} {
	const pro = `properties["plan"] == "pro"`
	since := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ids := []string{"user-3", "nobody", "user-0", "user-0"}
	for i := range 2 {
		ids = append(ids, mixpaneltest.People{Seed: 1, Count: 5}.ID(3+i))
	}
	const behaviors = `[{"window":"30d","name":"viewed","event_selectors":[{"event":"Page Viewed"}]}]`
	at := time.Date(2026, 10, 8, 0, 0, 0, 0, time.UTC)
	return map[string]struct {
		q    mixpanel.EngageQuery
		want mixpaneltest.ProfileAsk
		n    int
	}{
		"all":                      {mixpanel.EngageQuery{}, mixpaneltest.ProfileAsk{}, 57},
		"where":                    {mixpanel.EngageQuery{Where: pro}, mixpaneltest.ProfileAsk{Where: pro}, 5},
		"since":                    {mixpanel.EngageQuery{Where: mixpanel.SeenSince(since, "")}, mixpaneltest.ProfileAsk{Where: `properties["$last_seen"] >= "2026-06-01T00:00:00"`}, 20},
		"where and since":          {mixpanel.EngageQuery{Where: mixpanel.SeenSince(since, pro)}, mixpaneltest.ProfileAsk{Where: `(` + pro + `) and (properties["$last_seen"] >= "2026-06-01T00:00:00")`}, 2},
		"some properties":          {mixpanel.EngageQuery{OutputProperties: []string{"plan", "$last_seen", "none"}}, mixpaneltest.ProfileAsk{OutputProperties: []string{"plan", "$last_seen", "none"}}, 57},
		"one id":                   {mixpanel.EngageQuery{DistinctID: ids[4]}, mixpaneltest.ProfileAsk{DistinctIDs: ids[4:5]}, 1},
		"some ids":                 {mixpanel.EngageQuery{DistinctIDs: ids}, mixpaneltest.ProfileAsk{DistinctIDs: ids}, 3},
		"a group":                  {mixpanel.EngageQuery{Group: companies}, mixpaneltest.ProfileAsk{Group: companies}, 25},
		"a cohort":                 {mixpanel.EngageQuery{Cohort: 7}, mixpaneltest.ProfileAsk{Cohort: 7}, 17},
		"a cohort, profiles only":  {mixpanel.EngageQuery{Cohort: 7, OmitUsersWithoutProfile: true}, mixpaneltest.ProfileAsk{Cohort: 7, OnlyWithProfile: true}, 15},
		"a cohort of a group":      {mixpanel.EngageQuery{Cohort: 8, Group: companies}, mixpaneltest.ProfileAsk{Cohort: 8, Group: companies}, 13},
		"behaviors":                {mixpanel.EngageQuery{Behaviors: behaviors, AsOf: at, Where: `behaviors["viewed"] > 0`}, mixpaneltest.ProfileAsk{Behaviors: behaviors, AsOf: at, Where: `behaviors["viewed"] > 0`}, 12},
		"behaviors, and no moment": {mixpanel.EngageQuery{Behaviors: behaviors, Where: `behaviors["viewed"] > 100`}, mixpaneltest.ProfileAsk{Behaviors: behaviors, Where: `behaviors["viewed"] > 100`}, 0},
	}
}

func TestPagesHoldWhatTheStandInKnows(t *testing.T) {
	t.Parallel()
	knobs := map[string]func(*mixpaneltest.Config){
		"as it is":        nil,
		"total on page 0": func(cfg *mixpaneltest.Config) { cfg.Projects[0].TotalOnPage0 = true },
		"full pages":      func(cfg *mixpaneltest.Config) { cfg.Projects[0].PageSize = 19 },
		"one page":        func(cfg *mixpaneltest.Config) { cfg.Projects[0].PageSize = 0 },
	}
	for name, knob := range knobs {
		fake, c := site(t, knob)
		for filter, tt := range filters() {
			t.Run(name+"/"+filter, func(t *testing.T) {
				t.Parallel()
				tt.q.Project, tt.want.Project = 12345, 12345
				want, err := fake.Profiles(tt.want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := readPages(t.Context(), c, tt.q, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" || len(got.Rows) < tt.n {
					t.Errorf("%d profiles, want at least %d (-truth +got):\n%s", len(got.Rows), tt.n, diff)
				}
			})
		}
	}
}

func TestPagesAreThoseOfTheBeginning(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	before, err := fake.Profiles(mixpaneltest.ProfileAsk{Project: 12345})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	edit := func() {
		n++
		err := errors.Join(
			fake.PutProfile(12345, "", mixpaneltest.Profile{DistinctID: fmt.Sprint("new-", n), Properties: `{"n":9007199254740993}`}),
			fake.PutProfile(12345, "", mixpaneltest.Profile{DistinctID: before.Rows[n].DistinctID, Properties: `{"changed":true}`}),
			fake.DeleteProfile(12345, "", before.Rows[20+n].DistinctID),
		)
		if err != nil {
			t.Error(err)
		}
	}
	got, err := readPages(t.Context(), c, mixpanel.EngageQuery{Project: 12345}, edit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, got); diff != "" {
		t.Errorf("the pages of a session (-before +got):\n%s", diff)
	}
	log := fake.Queries()
	session, err := fake.SessionProfiles(12345, log[len(log)-1].Session)
	if diff := cmp.Diff(before, session); err != nil || diff != "" || log[0].Session != log[len(log)-1].Session {
		t.Errorf("the session, afterwards: %v (-before +got):\n%s", err, diff)
	}
	after, err := fake.Profiles(mixpaneltest.ProfileAsk{Project: 12345})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = readPages(t.Context(), c, mixpanel.EngageQuery{Project: 12345}, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(after, got); diff != "" || cmp.Diff(before, after) == "" {
		t.Errorf("another session (-after +got):\n%s", diff)
	}
	if _, err := fake.Inject(mixpaneltest.Fault{Kind: mixpaneltest.LiveSet, Call: "engage"}); err != nil {
		t.Fatal(err)
	}
	if _, err := readPages(t.Context(), c, mixpanel.EngageQuery{Project: 12345}, func() {
		_ = fake.PutProfile(12345, "", mixpaneltest.Profile{DistinctID: "late", Properties: "{}"})
	}); err == nil || !strings.Contains(err.Error(), "the total was") {
		t.Errorf("with a live set: %v, want another total", err)
	}
}

func TestBadProfilesAreTold(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	for id, properties := range map[string]string{
		"surrogate": `{"x":"\ud800"}`, "deep": `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		"no text": "{\"x\":\"\xff\"}", "no number": `{"x":NaN}`, "good": `{"a":1,"a":2}`,
	} {
		if err := fake.PutProfile(12345, "", mixpaneltest.Profile{DistinctID: id, Properties: properties}); err != nil {
			t.Fatal(err)
		}
	}
	want, err := fake.Profiles(mixpaneltest.ProfileAsk{Project: 12345})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readPages(t.Context(), c, mixpanel.EngageQuery{Project: 12345}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.Quarantined) != 4 {
		t.Errorf("%d in quarantine, want 4 (-truth +got):\n%s", len(got.Quarantined), diff)
	}
}

func TestEachFaultOfAPageIsSeen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  mixpaneltest.Fault
		action mixpanel.Action // "" means that the pages are not complete
		reason mixpanel.Reason
	}{
		{mixpaneltest.Fault{Kind: mixpaneltest.SessionEnded}, mixpanel.Retry, mixpanel.ReasonSession},
		{mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError}, mixpanel.Retry, mixpanel.ReasonTimeout},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status402}, mixpanel.GiveUp, mixpanel.ReasonPlan},
		{mixpaneltest.Fault{Kind: mixpaneltest.OverQuota}, mixpanel.Pause, mixpanel.ReasonQuota},
		{mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: time.Second}, mixpanel.Pause, mixpanel.ReasonQuota},
		{mixpaneltest.Fault{Kind: mixpaneltest.TooManyAtOnce}, mixpanel.Pause, mixpanel.ReasonBusy},
		{mixpaneltest.Fault{Kind: mixpaneltest.Bare429}, mixpanel.Retry, mixpanel.ReasonQuota},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status500}, mixpanel.Retry, mixpanel.ReasonServer},
		{mixpaneltest.Fault{Kind: mixpaneltest.ResetAtOnce}, mixpanel.Retry, mixpanel.ReasonNetwork},
		{mixpaneltest.Fault{Kind: mixpaneltest.CutConnection}, mixpanel.Retry, mixpanel.ReasonTruncated},
		{mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.TerminatedOnly}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, AtEnd: true}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.ErrorTail}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.HalfLine}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.HalfLineNewline}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.GluedTail}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.ProxyTail}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.StatusTail}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PrettyTail}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PageTail}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PageOnly}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PageBetween}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.SplitLine}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.TotalMoves}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PageRepeats}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PageSkips}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.PageShort}, "", ""},
		{mixpaneltest.Fault{Kind: mixpaneltest.WrongPage}, "", ""},
	}
	for _, tt := range tests {
		for _, minPage := range []int64{0, 3} {
			t.Run(fmt.Sprint(tt.fault.Kind, " from page ", minPage), func(t *testing.T) {
				t.Parallel()
				fake, c := site(t, nil)
				f := tt.fault
				f.Call, f.MinPage = "engage", minPage
				injection, err := fake.Inject(f)
				if err != nil {
					t.Fatal(err)
				}
				q := mixpanel.EngageQuery{Project: 12345}
				got, err := readPages(t.Context(), c, q, nil)
				e, isAPI := errors.AsType[*mixpanel.Error](err)
				switch {
				case err == nil || injection.Hits() == 0:
					t.Errorf("%d profiles, %v, %d hits; want an error", len(got.Rows), err, injection.Hits())
				case isAPI != (tt.action != "") || isAPI && (e.Action != tt.action || e.Reason != tt.reason):
					t.Errorf("error = %v, want %s because of %s", err, tt.action, tt.reason)
				case isAPI && e.Reason != mixpanel.ReasonTruncated && !strings.HasPrefix(err.Error(), "query engage: mixpanel"):
					t.Errorf("error = %v, want the call's name", err)
				case isAPI && e.Action == mixpanel.Pause && fault.CodeOf(err) != fault.CodeRateLimited:
					t.Errorf("code = %s", fault.CodeOf(err))
				}
				injection.Remove()
				if got, err := readPages(t.Context(), c, q, nil); err != nil || len(got.Rows) != 57 {
					t.Errorf("afterwards: %d profiles, %v", len(got.Rows), err)
				}
			})
		}
	}
}
