package mixpaneltest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// packs are the compressed profiles of all pages of a result, so serving them is cheap.
type packs struct {
	size  int      // profiles per page
	pages [][]byte // gzip members
}

// PackProfiles finds and compresses the current profiles of a query. Requests with the same parameters are served from
// that until the profiles change, or the members of the requested cohort.
func (s *Server) PackProfiles(ask ProfileAsk) error {
	p, q, err := s.queryOf(ask)
	if err != nil {
		return err
	}
	found, no := s.find(p, q)
	if no != nil {
		return errors.New(no.message)
	}
	packed := *found
	packed.packs = &packs{size: cmp.Or(p.PageSize, defaultPageSize)}
	packed.packs.pages = make([][]byte, (found.len()+packed.packs.size-1)/packed.packs.size)
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range packed.packs.pages {
		work.Go(func() error {
			from := i * packed.packs.size
			page := profilePage{
				result: found, from: from, to: min(from+packed.packs.size, found.len()), numericIDs: p.NumericIDs, output: q.output,
			}
			var err error
			packed.packs.pages[i], err = pack(page.elements())
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.packed == nil {
		p.packed = make(map[string]*result)
	}
	p.packed[q.key()] = &packed
	return nil
}

// key is equal for queries with the same result.
func (q *engageQuery) key() string {
	same := *q
	same.page, same.sessionID = 0, ""
	return fmt.Sprintf("%+v", same)
}

// packedNow returns the packed current result of a query, or nil. The caller holds the server's mutex.
func (p *project) packedNow(q *engageQuery) *result {
	r := p.packed[q.key()]
	if r == nil || r.roster.version != p.rosters[q.group].version {
		return nil
	}
	if c := p.cohort(q.cohort); q.cohort != 0 && (c == nil || c.version != r.membersVersion) {
		return nil
	}
	return r
}

// packed returns the profiles of the page as a gzip member, or nil if they are not packed.
func (p *profilePage) packed() []byte {
	r := p.result
	if r.packs == nil || p.size != int64(r.packs.size) || p.from%r.packs.size != 0 || p.to != min(p.from+r.packs.size, r.len()) ||
		p.from >= p.to {
		return nil
	}
	return r.packs.pages[p.from/r.packs.size]
}

// writePacked writes the page with packed profiles.
func (p *profilePage) writePacked(b *body, packed []byte) error {
	if _, err := b.Write(p.head()); err != nil {
		return err
	}
	if err := b.WritePacked(bytes.NewReader(packed)); err != nil {
		return err
	}
	_, err := b.Write(p.tail())
	return err
}
