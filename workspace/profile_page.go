package workspace

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zeebo/xxh3"

	"mixduck/internal/answer"
	"mixduck/storage"
)

// profilePage is a page that was downloaded and proved.
type profilePage struct {
	part *part
	info answer.PageInfo
	ids  []uint64 // hashes of the IDs, sorted, without duplicates
	keys *keyFile // nil if there is no table, or some of the profiles cannot be stored
	key  [][]byte // the values before each ID in a row
}

func (p *profilePage) remove() {
	if p.part != nil {
		p.part.remove()
	}
	if p.keys != nil {
		p.keys.remove()
	}
}

// page downloads a page and proves it.
func (s *pageSession) page(ctx context.Context, n int64) error {
	q := s.query.EngageQuery
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
		p := profilePage{key: s.query.key}
		if p.part, err = s.f.spool(body, fmt.Sprintf("page-%d", n), &s.f.received); err != nil {
			return err
		}
		if err := s.prove(&p, n); err != nil {
			p.remove()
			return err
		}
		s.pages[n] = p
		return nil
	})
}

// prove reads a page and writes its key file. It fails unless the page is complete and has the expected number of
// profiles.
func (s *pageSession) prove(p *profilePage, n int64) (err error) {
	text, err := p.part.open()
	if err != nil {
		return err
	}
	defer text.Close()
	page := answer.NewPage(text, n)
	if len(s.f.tables) == 0 {
		err = s.each(p, page, func(*answer.Profile) error { return nil })
	} else {
		err = s.writeKeys(p, page, n)
	}
	p.info = page.Info()
	return cmp.Or(err, s.judge(p.info, n))
}

// writeKeys writes the key file of a page, unless some profiles cannot be stored.
func (s *pageSession) writeKeys(p *profilePage, page *answer.Page, n int64) (err error) {
	columns := s.f.tables[0].Columns
	row := storage.KeyedRow{Values: make([][]byte, len(columns))}
	hasher, bad := storage.NewContentHasher(columns), false
	if p.keys, err = s.f.createKeyFile(n); err != nil {
		return err
	}
	page.Hash = true
	page.Hash = true
	err = s.each(p, page, func(profile *answer.Profile) error {
		if bad = bad || profile.Reason != nil; bad {
			return nil
		}
		fill(&row, p.key, profile)
		return p.keys.add(profile, hasher.Hash(row.Values, profile.ContentHash))
	})
	if err = errors.Join(err, p.keys.close()); bad {
		p.keys.remove()
		p.keys = nil
	}
	return err
}

// each calls fn with the profiles of a page, and records their IDs.
func (s *pageSession) each(p *profilePage, page *answer.Page, fn func(*answer.Profile) error) error {
	for profile, err := range page.All() {
		if err != nil {
			return explain(err)
		}
		if profile.Extra != nil {
			s.extra.Add(1)
		}
		p.ids = append(p.ids, xxh3.HashString(profile.DistinctID))
		if err := fn(profile); err != nil {
			return err
		}
	}
	slices.Sort(p.ids)
	p.ids = slices.Compact(p.ids)
	return nil
}

// judge fails unless a complete page has the expected number of profiles.
func (s *pageSession) judge(info answer.PageInfo, n int64) error {
	if n == 0 {
		if want := info.Want(0); info.Profiles != want {
			return unproved("page 0 has %d of %d profiles", info.Profiles, want)
		}
		return nil
	}
	if info.PageSize >= 0 && info.PageSize != s.first.PageSize {
		return unproved("page %d is one of %d profiles, page 0 one of %d", n, info.PageSize, s.first.PageSize)
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
		return unproved("page %d has %d of %d profiles", n, info.Profiles, want)
	}
	return nil
}

// unproved is the error for an incomplete response with complete parts.
func unproved(format string, args ...any) error {
	return fmt.Errorf("the answer does not prove to be whole: "+format, args...)
}

// explain interprets the text that proves a page to be incomplete.
func explain(err error) error {
	if broken, ok := errors.AsType[*answer.Error](err); ok {
		return cmp.Or(inspect(broken.Text), err)
	}
	return err
}

// Open returns the profiles of the page.
func (p *profilePage) Open() (storage.RowReader, error) {
	text, err := p.part.open()
	if err != nil {
		return nil, err
	}
	if p.keys == nil {
		return &profileRows{text: text, page: answer.NewPage(text, p.info.Page), key: p.key}, nil
	}
	keys, err := p.keys.open()
	if err != nil {
		return nil, errors.Join(err, text.Close())
	}
	return &indexedRows{keys: keys, key: p.key, text: text, from: bufio.NewReaderSize(text, copyBytes)}, nil
}

// OpenKeys returns the keys of the profiles, and the hashes of their contents.
func (p *profilePage) OpenKeys() (storage.RowReader, error) {
	if p.keys == nil {
		return p.Open()
	}
	keys, err := p.keys.open()
	if err != nil {
		return nil, err
	}
	return &indexedRows{keys: keys, key: p.key}, nil
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
	fill(row, r.key, &r.profile)
	return nil
}

func (r *profileRows) Close() error { return r.text.Close() }

// noProperties are the properties of a member of a cohort without a profile.
var noProperties = []byte("{}")

// fill converts a profile to a row, with key before its ID.
func fill(row *storage.KeyedRow, key [][]byte, p *answer.Profile) {
	row.Bad, row.Text = p.Reason, p.Text
	values := [][]byte{[]byte(p.DistinctID), p.Properties, filled([]byte(p.LastSeen))}
	if p.Properties == nil {
		values[1] = noProperties
	}
	copy(row.Values[copy(row.Values, key):], values)
}

// filled returns nil for an empty text, which becomes NULL.
func filled(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	return text
}
