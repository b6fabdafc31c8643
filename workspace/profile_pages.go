package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"mixduck/internal/answer"
	"mixduck/mixpanel"
)

const (
	maxRestarts = 3 // of a query for profiles that change while they are paged through
	pagesAtOnce = 5
)

// profiles fetches all pages of a query, and proves that they are whole. A query that Mixpanel ends, or during which the number
// of profiles moves, is begun again; when it still moves after that, the pages are accepted with a note, for none of them failed. key
// is put before the values of each row.
func (f *refreshing) profiles(ctx context.Context, q mixpanel.EngageQuery, key [][]byte) (harvest, error) {
	confirmed := false
	for restarts := 0; ; restarts++ {
		s := &pageSession{f: f, query: q, key: key}
		err := s.run(ctx)
		api, _ := errors.AsType[*mixpanel.Error](err)
		ended := api != nil && api.Reason == mixpanel.ReasonSession
		switch {
		case err == nil && s.first.Total == 0 && f.since.IsZero() && !confirmed: // an answer that got lost looks the same
			confirmed = true
			restarts--
		case err == nil && !s.moved():
			return s.harvest(), nil
		case err == nil && restarts == maxRestarts:
			if s.uncertain.Load() {
				return harvest{}, unproved("the number of profiles changes while they are paged through, and Mixpanel does not say to what")
			}
			return s.harvest(), nil
		case err != nil && (!ended || restarts == maxRestarts):
			s.remove()
			return harvest{}, err
		}
		s.remove()
		if err == nil && !s.moved() {
			continue
		}
		f.update(func(p *Progress) {
			p.Retries++
			p.Trouble = "the profiles changed while they were paged through"
			if err != nil {
				p.Trouble = err.Error()
			}
		})
	}
}

// pageSession is one query for profiles, from page 0 on.
type pageSession struct {
	f     *refreshing
	query mixpanel.EngageQuery
	key   [][]byte

	first     answer.PageInfo
	pages     []profilePage
	extra     atomic.Int64 // profiles with fields that are not known
	uncertain atomic.Bool  // the last page is not as long as page 0 has said, and does not say why
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

// largest returns page 0's words with the largest total of all pages.
func (s *pageSession) largest() answer.PageInfo {
	info := s.pages[0].info
	for _, p := range s.pages {
		info.Total = max(info.Total, p.info.Total)
	}
	return info
}

// moved reports whether the number of profiles has changed.
func (s *pageSession) moved() bool {
	return s.uncertain.Load() || slices.ContainsFunc(s.pages, func(p profilePage) bool {
		return p.info.Total >= 0 && p.info.Total != s.first.Total
	})
}

func (s *pageSession) remove() {
	for _, p := range s.pages {
		p.remove()
	}
}

// harvest returns the pages.
func (s *pageSession) harvest() harvest {
	h, hashes := s.fetched, xxh3.New()
	last, came := s.first.Total, int64(0)
	for i := range s.pages {
		p := &s.pages[i]
		h.parts = append(h.parts, p)
		_, _ = hashes.WriteString(p.part.hash) // never fails
		came += p.info.Profiles
		if p.info.Total >= 0 {
			last = p.info.Total
		}
	}
	h.hash = fmt.Sprintf("%016x", hashes.Sum64())
	if s.moved() {
		h.note = fmt.Sprintf("the number of profiles changed from %d to %d while they were fetched, and %d came: the next full refresh makes up for what is missing",
			s.first.Total, last, came)
	}
	if n := s.extra.Load(); n > 0 {
		s.f.update(func(p *Progress) { p.warn(fmt.Sprintf("%d profiles have fields that are not stored", n)) })
	}
	return h
}
