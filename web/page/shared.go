package page

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// rendered is what the parts of a view show at a time.
type rendered struct {
	mu    sync.Mutex
	at    time.Time
	parts [][]byte // HTML, in the order of the view's parts
	ended bool     // they will not change any more
	err   error    // why nothing is known
}

// sharedParts lets streams of the same address share what they show, so that many open pages cost as much as one.
type sharedParts struct {
	mu  sync.Mutex
	all map[string]*rendered // by address
}

// of returns the entry of an address, and forgets those that nobody uses.
func (s *sharedParts) of(address string) *rendered {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*rendered{}
	}
	if r, ok := s.all[address]; ok {
		return r
	}
	for address, r := range s.all {
		if r.mu.TryLock() { // otherwise it is in use
			if time.Since(r.at) > lookEvery {
				delete(s.all, address)
			}
			r.mu.Unlock()
		}
	}
	r := &rendered{}
	s.all[address] = r
	return r
}

// parts returns what the parts of a view show. Those of views that everybody sees alike may be lookOften old.
func (p *Page) parts(r *http.Request, v *view) *rendered {
	if v.during != nil { // these change fast
		now := &rendered{}
		p.renderParts(r.Context(), r, v, now)
		return now
	}
	shared := p.shared.of(r.URL.RequestURI())
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if time.Since(shared.at) >= lookOften {
		// A client that disconnects must not end this for others.
		ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), lookTakes)
		defer stop()
		p.renderParts(ctx, r.WithContext(ctx), v, shared)
	}
	return &rendered{parts: shared.parts, ended: shared.ended, err: shared.err}
}

// renderParts sets what the parts of a view show now.
func (p *Page) renderParts(ctx context.Context, r *http.Request, v *view, out *rendered) {
	out.at, out.parts, out.ended, out.err = time.Now(), nil, false, nil
	data, err := p.data(ctx, v, r)
	for _, part := range v.parts {
		var html []byte
		if err == nil {
			html, err = p.execute(v.name+"/"+part, data)
		}
		out.parts = append(out.parts, html)
	}
	out.err = err
	out.ended = err == nil && v.ended(data)
}
