package workspace

import (
	"context"
	"slices"

	"github.com/zeebo/xxh3"

	"mixduck/storage"
)

// maxConfirmed is the maximum number of requests for missing rows. Each requests a page of IDs.
const maxConfirmed = 10

// absence checks whether stored rows that are missing from the pages of a query are really gone. A profile can be
// missing although all pages are complete: if one before it is deleted between two pages, the others move up.
//
// The rows are requested by ID. If there are too many, or if the query cannot be combined with IDs, they count as gone
// when they are also missing from a second response. See docs/adr/0025-checks.md.
type absence struct {
	f     *refreshing
	query profileQuery
	last  []string // IDs missing from the previous response, sorted
}

// check returns pages with missing profiles that exist. If proved is false, it is not known yet whether the others
// exist.
func (a *absence) check(ctx context.Context, s *pageSession) (found []profilePage, proved bool, err error) {
	f := a.f
	if len(s.pages) == 1 || !f.since.IsZero() || len(f.states) == 0 || !f.states[0].Exists {
		return nil, true, nil // a single page has no boundary to move across
	}
	came := s.ids()
	var absent []string
	err = f.reading(ctx, func(e *storage.Engine) (err error) {
		absent, err = e.Absent(ctx, f.tables[0], a.query.within, func(id string) bool {
			_, ok := slices.BinarySearch(came, xxh3.HashString(id))
			return ok
		})
		return err
	})
	if err != nil || len(absent) == 0 {
		return nil, true, err
	}
	atOnce := int(min(s.first.PageSize, maxIDs))
	if q := a.query; q.Cohort == 0 && q.Behaviors == "" && len(absent) <= maxConfirmed*atOnce {
		found, err = a.ask(ctx, slices.Collect(slices.Chunk(absent, atOnce)))
		return found, true, err
	}
	slices.Sort(absent)
	proved = a.last != nil && !slices.ContainsFunc(absent, func(id string) bool {
		_, before := slices.BinarySearch(a.last, id)
		return !before
	})
	a.last = absent
	return nil, proved, nil
}

// maxIDs is the maximum number of IDs in a request.
const maxIDs = 2000

// ask requests profiles by ID, and returns the non-empty pages.
func (a *absence) ask(ctx context.Context, lists [][]string) (found []profilePage, err error) {
	for _, ids := range lists {
		q := a.query
		q.DistinctIDs = ids
		s := &pageSession{f: a.f, query: q}
		if err := s.run(ctx); err != nil {
			s.remove()
			removeAll(found)
			return nil, err
		}
		for _, p := range s.pages {
			if p.info.Profiles > 0 {
				found = append(found, p)
			} else {
				p.remove()
			}
		}
	}
	return found, nil
}
