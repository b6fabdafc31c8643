package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"mixduck/internal/answer"
	"mixduck/mixpanel"
	"mixduck/storage"
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

// profilePage is a page that was downloaded and proved.
type profilePage struct {
	part *part
	info answer.PageInfo
	key  [][]byte
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

// page downloads a page and proves it.
func (s *pageSession) page(ctx context.Context, n int64) error {
	q := s.query
	q.Page, q.SessionID = n, s.first.SessionID
	l := s.f.counted()
	if n > 0 {
		l = s.f.paged()
	}
	return s.f.ask(ctx, l, func() error {
		body, err := s.f.source.EngagePage(ctx, q)
		if err != nil {
			return err
		}
		defer body.Close()
		s.f.hear(ctx, s.f.cfg.QueryBudget, body.Limits)
		p, err := s.f.spool(body, fmt.Sprintf("page-%d", n), &s.f.received)
		if err != nil {
			return err
		}
		info, err := s.prove(p, n)
		if err != nil {
			p.remove()
			return err
		}
		s.pages[n] = profilePage{p, info, s.key}
		return nil
	})
}

// prove reads a page, and returns what it says if it is whole and has as many profiles as it must have.
func (s *pageSession) prove(p *part, n int64) (answer.PageInfo, error) {
	text, err := p.open()
	if err != nil {
		return answer.PageInfo{}, err
	}
	defer text.Close()
	page := answer.NewPage(text, n)
	for profile, err := range page.All() {
		if err != nil {
			return answer.PageInfo{}, explain(err)
		}
		if profile.Extra != nil {
			s.extra.Add(1)
		}
	}
	info := page.Info()
	if n == 0 {
		if want := info.Want(0); info.Profiles != want {
			return info, unproved("page 0 has %d of %d profiles", info.Profiles, want)
		}
		return info, nil
	}
	if info.PageSize >= 0 && info.PageSize != s.first.PageSize {
		return info, unproved("page %d is one of %d profiles, page 0 one of %d", n, info.PageSize, s.first.PageSize)
	}
	said := s.first
	if info.Total >= 0 {
		said.Total = info.Total
	}
	switch want := said.Want(n); {
	case info.Profiles == want:
	case info.Total < 0 && n == s.first.Pages()-1:
		s.uncertain.Store(true)
	default:
		return info, unproved("page %d has %d of %d profiles", n, info.Profiles, want)
	}
	return info, nil
}

// unproved is the error of an answer that is not whole, although each part of it is.
func unproved(format string, args ...any) error {
	return fmt.Errorf("the answer does not prove to be whole: "+format, args...)
}

// explain asks what the text means that proves a page not to be whole.
func explain(err error) error {
	if broken, ok := errors.AsType[*answer.Error](err); ok {
		return cmp.Or(inspect(broken.Text), err)
	}
	return err
}

func (s *pageSession) remove() {
	for _, p := range s.pages {
		if p.part != nil {
			p.part.remove()
		}
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

// Open returns the profiles of the page.
func (p *profilePage) Open() (storage.RowReader, error) {
	text, err := p.part.open()
	if err != nil {
		return nil, err
	}
	return &profileRows{text: text, page: answer.NewPage(text, p.info.Page), key: p.key}, nil
}

// profileRows reads the profiles of a page as rows.
type profileRows struct {
	text    io.ReadCloser
	page    *answer.Page
	key     [][]byte
	profile answer.Profile
}

func (r *profileRows) Next(row *storage.KeyedRow) error {
	if err := r.page.Next(&r.profile); err != nil {
		return err
	}
	p := &r.profile
	row.Bad, row.Text = p.Reason, p.Text
	if p.Properties == nil { // a member of a cohort without a profile, or one that cannot be stored
		p.Properties = []byte("{}")
	}
	n := copy(row.Values, r.key)
	values := [][]byte{[]byte(p.DistinctID), p.Properties, nil}
	if p.LastSeen != "" {
		values[2] = []byte(p.LastSeen)
	}
	copy(row.Values[n:], values)
	return nil
}

func (r *profileRows) Close() error { return r.text.Close() }
