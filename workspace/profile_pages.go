package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"mixduck/internal/answer"
	"mixduck/mixpanel"
	"mixduck/storage"
)

const (
	maxRestarts = 3 // of a query for profiles that change during paging
	pagesAtOnce = 5
)

// profileQuery is a query for profiles whose pages become rows of a table.
type profileQuery struct {
	mixpanel.EngageQuery
	key    [][]byte       // the values before each ID in a row
	within *storage.Scope // the rows selected by the query; nil means all
}

// profiles fetches all pages of a query and proves that they are complete. The query is sent again if Mixpanel ends it, or
// if there are signs that the profiles changed while the pages were sent: see [pageSession.moved] and [absence]. After
// maxRestarts, such pages are accepted with a note, because none of them failed; rows that may be missing by mistake stay.
func (f *refreshing) profiles(ctx context.Context, q profileQuery) (harvest, error) {
	confirmed := false
	gone := absence{f: f, query: q}
	for restarts := 0; ; restarts++ {
		s := &pageSession{f: f, query: q}
		h, reason, err := s.answer(ctx, &gone, restarts == maxRestarts)
		api, _ := errors.AsType[*mixpanel.Error](err)
		ended := api != nil && api.Reason == mixpanel.ReasonSession
		switch {
		case err != nil && (!ended || restarts == maxRestarts):
			s.remove()
			return harvest{}, err
		case err == nil && s.first.Total == 0 && f.since.IsZero() && !confirmed: // a lost response looks the same
			confirmed = true
			restarts--
			s.remove()
			continue
		case err == nil && reason == "":
			f.update(func(p *Progress) { p.Trouble = "" })
			return h, nil
		case err != nil:
			reason = err.Error()
		}
		s.remove()
		f.update(func(p *Progress) {
			p.Retries++
			p.Trouble = reason
		})
	}
}

// answer runs the session. A reason says why the query must be repeated; on the last try there is none.
func (s *pageSession) answer(ctx context.Context, gone *absence, last bool) (h harvest, reason string, err error) {
	const changed = "the profiles changed while they were paged through"
	if err := s.run(ctx); err != nil {
		return harvest{}, "", err
	}
	moved := s.moved()
	switch {
	case moved && !last:
		return harvest{}, changed, nil
	case s.uncertain.Load():
		return harvest{}, "", unproved("the number of profiles changes while they are paged through, and Mixpanel does not say to what")
	}
	found, proved, err := gone.check(ctx, s)
	switch {
	case err != nil:
		return harvest{}, "", err
	case !last && len(found) > 0:
		removeAll(found)
		return harvest{}, changed, nil
	case !last && !proved:
		return harvest{}, "rows are missing in the answer: asking again to confirm it", nil
	}
	h = s.harvest()
	for i := range found {
		h.parts = append(h.parts, &found[i])
	}
	if moved || len(found) > 0 {
		h.note = s.changes(found)
	}
	if !proved {
		h.partial = true
		h.note = joinNotes(h.note, "rows that did not come are kept, because Mixpanel did not confirm that they were deleted")
	}
	return h, "", nil
}

func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(n string) bool { return n == "" }), "; ")
}

// pageSession is a query for profiles, from page 0 on.
type pageSession struct {
	f     *refreshing
	query profileQuery

	first     answer.PageInfo
	pages     []profilePage
	came      []uint64     // result of ids
	extra     atomic.Int64 // profiles with unknown fields
	uncertain atomic.Bool  // the last page is shorter than announced by page 0, without a reason
	fetched   harvest
}

func (s *pageSession) run(ctx context.Context) error {
	s.fetched.fetchedAt = s.f.cfg.Now()
	s.pages = make([]profilePage, 1)
	if err := s.page(ctx, 0); err != nil {
		return err
	}
	s.first = s.pages[0].info
	s.f.update(func(p *Progress) { p.WindowsTotal += int(s.first.Pages()); p.WindowsDone++ })
	for {
		have, want := int64(len(s.pages)), s.largest().Pages()
		if have >= want {
			return nil
		}
		s.pages = append(s.pages, make([]profilePage, want-have)...)
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(pagesAtOnce)
		for n := have; n < want; n++ {
			if ctx.Err() != nil {
				break
			}
			group.Go(func() error {
				err := s.page(ctx, n)
				if err == nil {
					s.f.update(func(p *Progress) { p.WindowsDone++ })
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
}

// largest returns page 0's information with the largest total of all pages.
func (s *pageSession) largest() answer.PageInfo {
	info := s.pages[0].info
	for _, p := range s.pages {
		info.Total = max(info.Total, p.info.Total)
	}
	return info
}

// moved reports whether the profiles have changed between pages: in number, or in position, so that one was sent
// twice.
func (s *pageSession) moved() bool {
	return s.uncertain.Load() || s.repeats() || slices.ContainsFunc(s.pages, func(p profilePage) bool {
		return p.info.Total >= 0 && p.info.Total != s.first.Total
	})
}

// repeats reports whether a profile is on two pages.
func (s *pageSession) repeats() bool {
	if len(s.pages) == 1 {
		return false
	}
	return len(s.ids()) < s.count()
}

// ids returns the hashes of the received IDs, sorted, without duplicates. A profile counts once per page.
func (s *pageSession) ids() []uint64 {
	if s.came == nil {
		s.came = make([]uint64, 0, s.count())
		for _, p := range s.pages {
			s.came = append(s.came, p.ids...)
		}
		slices.Sort(s.came)
		s.came = slices.Compact(s.came)
	}
	return s.came
}

// count returns the number of received profiles. A profile counts once per page.
func (s *pageSession) count() (n int) {
	for _, p := range s.pages {
		n += len(p.ids)
	}
	return n
}

func (s *pageSession) remove() { removeAll(s.pages) }

func removeAll(pages []profilePage) {
	for i := range pages {
		pages[i].remove()
	}
}

// harvest returns the pages.
func (s *pageSession) harvest() harvest {
	h, hashes := s.fetched, xxh3.New()
	for i := range s.pages {
		h.parts = append(h.parts, &s.pages[i])
		_, _ = hashes.WriteString(s.pages[i].part.hash) // never fails
	}
	h.hash = fmt.Sprintf("%016x", hashes.Sum64())
	if n := s.extra.Load(); n > 0 {
		s.f.update(func(p *Progress) { p.warn(fmt.Sprintf("%d profiles have fields that are not stored", n)) })
	}
	return h
}

// changes describes how the profiles changed between pages. found are pages with profiles that were missing.
func (s *pageSession) changes(found []profilePage) string {
	last, came := s.first.Total, int64(0)
	for _, p := range s.pages {
		came += p.info.Profiles
		if p.info.Total >= 0 {
			last = p.info.Total
		}
	}
	missing := int64(0)
	for _, p := range found {
		missing += p.info.Profiles
	}
	note := fmt.Sprintf("the profiles changed while they were fetched: %d at first, %d at the end, and %d came", s.first.Total, last, came)
	if missing > 0 {
		note += fmt.Sprintf(", %d more when they were requested by id", missing)
	}
	return note + ". The next full refresh adds what may be missing"
}
