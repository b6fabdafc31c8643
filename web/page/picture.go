package page

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	picturesKept = 32        // of different pages
	trustedFor   = time.Hour // a session is trusted for so long after it was seen to be valid, while Redis does not answer
)

// picture is what a page has shown last.
type picture struct {
	data any
	at   time.Time
}

// pictures keeps what pages have shown last, for times when the queue does not answer.
type pictures struct {
	mu  sync.Mutex
	all map[string]picture // by the address
}

// keep remembers what the page at an address shows.
func (p *pictures) keep(address string, one picture) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]picture{}
	}
	if _, known := p.all[address]; !known && len(p.all) >= picturesKept {
		oldest := ""
		for other, kept := range p.all {
			if oldest == "" || kept.at.Before(p.all[oldest].at) {
				oldest = other
			}
		}
		delete(p.all, oldest)
	}
	p.all[address] = one
}

// get returns what the page at an address has shown last.
func (p *pictures) get(address string) (picture, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.all[address]
	return one, ok
}

// sightings remembers when sessions were last valid.
type sightings struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]time.Time // by the hash of the session's token
}

// saw remembers whether a session is valid at now.
func (s *sightings) saw(token string, valid bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(token))
	if !valid {
		delete(s.all, key)
		return
	}
	if s.all == nil {
		s.all = map[[sha256.Size]byte]time.Time{}
	}
	for other, at := range s.all {
		if now.Sub(at) > trustedFor {
			delete(s.all, other)
		}
	}
	s.all[key] = now
}

// forget forgets all sessions.
func (s *sightings) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.all)
}

// lately reports whether a session was valid not long before now.
func (s *sightings) lately(token string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.all[sha256.Sum256([]byte(token))]
	return ok && now.Sub(at) <= trustedFor
}

// awayError means that the queue does not answer, or gives answers that cannot be read.
type awayError struct {
	since time.Time // when it answered last; zero for unknown
	err   error
}

func (e *awayError) Error() string {
	if e.since.IsZero() {
		return e.err.Error()
	}
	since := e.since.UTC().Format("15:04")
	_, network := errors.AsType[net.Error](e.err)
	if network || errors.Is(e.err, io.EOF) || errors.Is(e.err, context.DeadlineExceeded) {
		return fmt.Sprintf("The queue does not answer since %s UTC. What you see is of then.", since)
	}
	return fmt.Sprintf("The queue cannot be read since %s UTC: %s. What you see is of then.", since, e.err)
}

func (e *awayError) Unwrap() error { return e.err }

// heard notes whether the queue has answered.
func (p *Page) heard(ctx context.Context, err error) error {
	switch {
	case err == nil:
		p.answered.Store(p.cfg.Now().UnixNano())
	case ctx.Err() == nil && httpStatus(err) == http.StatusServiceUnavailable && !errors.Is(err, errStarting):
		e := &awayError{err: err}
		if at := p.answered.Load(); at != 0 {
			e.since = time.Unix(0, at)
		}
		return e
	}
	return err
}

// showPicture shows what the page has shown last, without buttons, and reports whether it could.
func (p *Page) showPicture(w http.ResponseWriter, r *http.Request, v *view, why error) bool {
	away, ok := errors.AsType[*awayError](why)
	if !ok || !wantsHTML(r) {
		return false
	}
	last, ok := p.pictures.get(r.URL.RequestURI())
	if !ok {
		return false
	}
	body, err := p.render(v.name, last.data, false)
	if err != nil {
		return false
	}
	if away.since.After(last.at) || away.since.IsZero() {
		away = &awayError{since: last.at, err: away.err}
	}
	w.Header().Set("Retry-After", "5")
	p.writeFrame(w, http.StatusServiceUnavailable, frame{Title: v.title, Tab: v.tab, Live: len(v.parts) > 0, Body: htmlOf(body), Gone: away.Error()})
	return true
}
