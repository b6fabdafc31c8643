package mixpanel_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"mixduck/internal/rapidtest"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

// model holds the profiles and the members of a cohort in the simplest form.
type model struct {
	profiles map[string]string
	members  map[string]bool
}

// newModel returns the model of the project that site starts.
func newModel(people mixpaneltest.People) model {
	m := model{make(map[string]string), make(map[string]bool)}
	i := 0
	for id, properties := range people.Range(0, people.Count) {
		m.profiles[id] = string(properties)
		if i%4 == 0 {
			m.members[id] = true
		}
		i++
	}
	m.members["ghost-1"], m.members["ghost-2"] = true, true
	return m
}

// rows returns what a copy of the profiles of ids holds; IDs without a profile have no properties.
func (m model) rows(ids []string) (rows []mixpaneltest.ProfileRow) {
	for _, id := range slices.Sorted(slices.Values(ids)) {
		row := mixpaneltest.ProfileRow{DistinctID: id, Properties: "{}"}
		if text, ok := m.profiles[id]; ok {
			row.Properties = text
		}
		if _, rest, ok := strings.Cut(row.Properties, `"$last_seen":"`); ok {
			row.LastSeen, _, _ = strings.Cut(rest, `"`)
		}
		rows = append(rows, row)
	}
	return rows
}

// After any additions, changes and deletions in any order, the stand-in sends exactly what is true.
func TestPagesAfterAnyEdits(t *testing.T) {
	t.Parallel()
	people := mixpaneltest.People{Seed: 1, Count: 57} // as in site
	begun := newModel(people)
	known := slices.Sorted(maps.Keys(begun.profiles))
	known = append(known, "ghost-1", "ghost-2", "new-1", "new-2", `a/"b`, "ü")
	rapid.Check(t, func(r *rapid.T) {
		t := rapidtest.Wrap(t, r)
		fake, c := site(t, nil)
		m := model{maps.Clone(begun.profiles), maps.Clone(begun.members)}
		anyID := rapid.SampledFrom(known)
		for range rapid.IntRange(0, 25).Draw(r, "edits") {
			id := anyID.Draw(r, "id")
			var err error
			_, isThere := m.profiles[id]
			wantErr := false
			switch rapid.IntRange(0, 3).Draw(r, "kind") {
			case 0:
				text := fmt.Sprintf(`{"n":%d,"$last_seen":"2026-10-0%d"}`, 1<<53+rapid.Int64Range(0, 9).Draw(r, "n"), 1+len(m.members)%9)
				m.profiles[id] = text
				err = fake.PutProfile(12345, "", mixpaneltest.Profile{DistinctID: id, Properties: text})
			case 1:
				wantErr = !isThere
				delete(m.profiles, id)
				err = fake.DeleteProfile(12345, "", id)
			case 2:
				m.members[id] = true
				err = fake.PutMember(12345, 7, id)
			default:
				wantErr = !m.members[id]
				delete(m.members, id)
				err = fake.DeleteMember(12345, 7, id)
			}
			if (err != nil) != wantErr {
				r.Fatalf("%s: %v, want an error: %t", id, err, wantErr)
			}
		}
		check := func(what string, q mixpanel.EngageQuery, want []mixpaneltest.ProfileRow) {
			got, err := readPages(t.Context(), c, q, nil)
			if diff := cmp.Diff(want, got.Rows); err != nil || diff != "" || len(got.Quarantined) != 0 {
				r.Fatalf("%s: %v (-model +got):\n%s", what, err, diff)
			}
		}
		check("profiles", mixpanel.EngageQuery{Project: 12345}, m.rows(slices.Collect(maps.Keys(m.profiles))))
		check("members", mixpanel.EngageQuery{Project: 12345, Cohort: 7}, m.rows(slices.Collect(maps.Keys(m.members))))
		cohorts, err := c.Cohorts(t.Context(), 12345)
		if err != nil || cohorts[0].Count != int64(len(m.members)) {
			r.Fatalf("%d members are counted, want %d; %v", cohorts[0].Count, len(m.members), err)
		}
	})
}

// Requests for all pages of a query at once stay within the limits: the client waits, and Mixpanel rejects nothing.
func TestAllPagesAtOnce(t *testing.T) {
	t.Parallel()
	fake, c := site(t, func(cfg *mixpaneltest.Config) {
		cfg.Projects[0].PageSize = 2
		cfg.QueryLimits = mixpaneltest.Limits{PerHour: 1, AtOnce: 5}
	})
	first, _, err := readPage(t.Context(), c, mixpanel.EngageQuery{Project: 12345})
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for page := int64(1); page < first.Pages(); page++ {
		group.Go(func() error {
			info, _, err := readPage(t.Context(), c, mixpanel.EngageQuery{Project: 12345, Page: page, SessionID: first.SessionID})
			if err == nil && info.Profiles != first.Want(page) {
				err = fmt.Errorf("page %d has %d profiles", page, info.Profiles)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if n := len(fake.Queries()); n != int(first.Pages()) || n != 29 {
		t.Errorf("%d requests for %d pages", n, first.Pages())
	}
}
