package workspace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// paged are the requests for tables that are filled from pages of profiles, with what their tables then hold.
func paged() []pagedTable {
	return []pagedTable{
		{workspace.StreamRequest{Stream: "profiles"}, `SELECT distinct_id, properties::VARCHAR FROM profiles ORDER BY ALL`},
		{workspace.StreamRequest{Stream: "profiles", Table: "versions", History: true}, `SELECT distinct_id, properties::VARCHAR FROM versions WHERE valid_to IS NULL ORDER BY ALL`},
		{workspace.StreamRequest{Stream: "cohort-members"}, `SELECT distinct_id FROM cohort_members WHERE "left" IS NULL ORDER BY ALL`},
	}
}

type pagedTable struct {
	request workspace.StreamRequest
	present string // query for the rows that Mixpanel has
}

// all is a query for all rows of the table.
func (p pagedTable) all() string {
	table := map[string]string{"profiles": "profiles", "cohort-members": "cohort_members"}[p.request.Stream]
	if p.request.Table != "" {
		table = p.request.Table
	}
	return "SELECT * FROM " + table + " ORDER BY ALL"
}

// truth returns the rows that the table should have.
func (p pagedTable) truth(tb testing.TB, f *fixture) []string {
	tb.Helper()
	if p.request.Stream == "cohort-members" {
		ids, err := f.fake.Members(projectID, 1)
		noError(tb, err)
		return ids
	}
	found, err := f.fake.Profiles(mixpaneltest.ProfileAsk{Project: projectID})
	noError(tb, err)
	var rows []string
	for _, r := range found.Rows {
		rows = append(rows, r.DistinctID+"|"+r.Properties)
	}
	return rows
}

// Each fault has one of two outcomes: the table equals Mixpanel, or the refresh fails and the table is as before. Each is
// tried on one table: the code that reads pages is the same. A soak tries all.
func TestFaultsOfPages(t *testing.T) {
	t.Parallel()
	for i, test := range []struct {
		name  string
		fault mixpaneltest.Fault
		fails bool // the table stays unchanged
		note  bool
	}{
		{"session ends once", mixpaneltest.Fault{Kind: mixpaneltest.SessionEnded, Times: 1}, false, false},
		{"session always ends", mixpaneltest.Fault{Kind: mixpaneltest.SessionEnded}, true, false},
		{"page cut once", mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, Times: 2}, false, false},
		{"page always cut", mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, MinPage: 2}, true, false},
		{"half a page once", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine, Times: 1}, false, false},
		{"half a page always", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine, MinPage: 1}, true, false},
		{"a profile is missing once", mixpaneltest.Fault{Kind: mixpaneltest.PageShort, Times: 1}, false, false},
		{"a profile is always missing", mixpaneltest.Fault{Kind: mixpaneltest.PageShort}, true, false},
		{"another page", mixpaneltest.Fault{Kind: mixpaneltest.WrongPage}, true, false},
		{"total moves once", mixpaneltest.Fault{Kind: mixpaneltest.TotalMoves, Times: 1}, false, false},
		{"total moves twice", mixpaneltest.Fault{Kind: mixpaneltest.PageRepeats, Times: 2}, false, false},
		{"total always moves", mixpaneltest.Fault{Kind: mixpaneltest.PageRepeats}, false, true},
		{"live set", mixpaneltest.Fault{Kind: mixpaneltest.LiveSet}, false, false},
		{"time-out once", mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError, Times: 1}, false, false},
		{"time-out always", mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError}, true, false},
		{"server down once", mixpaneltest.Fault{Kind: mixpaneltest.Status503, Times: 2}, false, false},
		{"plan without the API", mixpaneltest.Fault{Kind: mixpaneltest.Status402}, true, false},
		{"page of HTML", mixpaneltest.Fault{Kind: mixpaneltest.PageOnly}, true, false},
		{"damaged gzip once", mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC, Times: 1}, false, false},
		{"damaged gzip", mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC}, true, false},
		{"hour is spent", mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, Times: 1}, true, false},
		{"too many at once", mixpaneltest.Fault{Kind: mixpaneltest.TooManyAtOnce, Times: 1}, false, false},
		{"429 without headers once", mixpaneltest.Fault{Kind: mixpaneltest.Bare429, Times: 1}, false, false},
		{"429 without headers", mixpaneltest.Fault{Kind: mixpaneltest.Bare429}, true, false},
		{"403", mixpaneltest.Fault{Kind: mixpaneltest.Status403}, true, false},
		{"404", mixpaneltest.Fault{Kind: mixpaneltest.Status404}, true, false},
		{"500 once", mixpaneltest.Fault{Kind: mixpaneltest.Status500, Times: 1}, false, false},
		{"500", mixpaneltest.Fault{Kind: mixpaneltest.Status500}, true, false},
		{"502 once", mixpaneltest.Fault{Kind: mixpaneltest.Status502, Times: 1}, false, false},
		{"502", mixpaneltest.Fault{Kind: mixpaneltest.Status502, MinPage: 1}, true, false},
		{"refused", mixpaneltest.Fault{Kind: mixpaneltest.Refused, Text: "no"}, true, false},
		{"reset once", mixpaneltest.Fault{Kind: mixpaneltest.ResetAtOnce, Times: 1}, false, false},
		{"reset", mixpaneltest.Fault{Kind: mixpaneltest.ResetAtOnce, MinPage: 1}, true, false},
		{"slow", mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Hold: time.Millisecond}, false, false},
		{"slow in the middle", mixpaneltest.Fault{Kind: mixpaneltest.Stall, Hold: time.Millisecond}, false, false},
		{"nothing once", mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody, Times: 1}, false, false},
		{"nothing", mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody}, true, false},
		{"nothing but terminated early", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedOnly}, true, false},
		{"terminated early once", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, Times: 1}, false, false},
		{"terminated early", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly}, true, false},
		{"terminated early after all", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, AtEnd: true}, true, false},
		{"export terminated early", mixpaneltest.Fault{Kind: mixpaneltest.ExportTerminatedEarly, MinPage: 1}, true, false},
		{"error at the end", mixpaneltest.Fault{Kind: mixpaneltest.ErrorTail, AtEnd: true}, true, false},
		{"half a page and a newline", mixpaneltest.Fault{Kind: mixpaneltest.HalfLineNewline, MinPage: 3}, true, false},
		{"half a page and a text", mixpaneltest.Fault{Kind: mixpaneltest.GluedTail, MinPage: 3}, true, false},
		{"a proxy's text", mixpaneltest.Fault{Kind: mixpaneltest.ProxyTail, AtEnd: true}, true, false},
		{"a status", mixpaneltest.Fault{Kind: mixpaneltest.StatusTail, AtEnd: true}, true, false},
		{"an error over several lines", mixpaneltest.Fault{Kind: mixpaneltest.PrettyTail, AtEnd: true}, true, false},
		{"HTML at the end", mixpaneltest.Fault{Kind: mixpaneltest.PageTail, AtEnd: true}, true, false},
		{"HTML in the middle", mixpaneltest.Fault{Kind: mixpaneltest.PageBetween}, true, false},
		{"gzip without trailer once", mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer, Times: 1}, false, false},
		{"gzip without trailer", mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer}, true, false},
		{"a profile falls between pages once", mixpaneltest.Fault{Kind: mixpaneltest.PageSkips, Times: 1}, false, false},
	} {
		tables := paged()
		if kind := test.fault.Kind; kind == mixpaneltest.CorruptGzipCRC || kind == mixpaneltest.MissingGzipTrailer {
			tables = tables[:2] // pages of members are too short for gzip
		}
		for k, table := range tables {
			if k != i%len(tables) && !proctest.Soak() {
				continue
			}
			t.Run(test.name+" of "+table.request.Stream+table.request.Table, func(t *testing.T) {
				t.Parallel()
				f := newPeople(t, 35, func(p *mixpaneltest.Project, _ *workspace.Config) {
					p.Cohorts = []mixpaneltest.Cohort{{ID: 1, Name: "all", Every: 1}}
				})
				refresh := func() (workspace.Progress, error) {
					return f.FetchStream(t.Context(), table.request, func(workspace.Progress) {})
				}
				_, err := refresh()
				noError(t, err)
				before := f.texts(t, table.all())
				_, err = f.fake.ChangeProfiles(projectID, "", 3)
				f.change(t, err, f.fake.DeleteMember(projectID, 1, person(11)), f.fake.PutMember(projectID, 1, "ghost"))
				f.remove(t, person(11))
				test.fault.Call = "engage"
				hit := f.inject(t, test.fault)
				p, err := refresh()
				if (err != nil) != test.fails || (p.Warnings != "") != test.note || hit[0].Hits() == 0 {
					t.Fatalf("%v, %+v, %d requests were hit", err, p, hit[0].Hits())
				}
				if test.fails {
					if diff := cmp.Diff(before, f.texts(t, table.all())); diff != "" {
						t.Fatalf("the table has changed:\n%s", diff)
					}
					return
				}
				want := table.truth(t, f)
				if test.note && table.request.Stream == "cohort-members" { // no answer proves that someone left
					want = slices.Sorted(slices.Values(append(want, person(11))))
				}
				f.wantTexts(t, table.present, want...)
			})
		}
	}
}
