package page

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	lookEvery   = 2 * time.Second  // between looks at the queue while a page is open
	lookOften   = lookEvery / 8    // between looks at a job that somebody waits for
	quietFor    = 15 * time.Second // after which a stream shows that it is alive
	writeWithin = 10 * time.Second // a client must read each event
	maxStreams  = 200              // at once; each holds a connection and a goroutine
	trustedYet  = 10 * time.Second // after which a stream checks whether its session has ended
)

// stream sends the parts of a view that changed since it was loaded, as server-sent events, until the client or the worker
// goes away, or nothing will change any more. Each event "part" has the HTML of an element; the event "gone" has the reason why
// nothing is known; "end" is the last one.
func (p *Page) stream(w http.ResponseWriter, r *http.Request, v *view) {
	if len(v.parts) == 0 {
		p.problem(w, r, http.StatusNotAcceptable, "this page does not change by itself", "")
		return
	}
	if p.streams.Add(1) > maxStreams {
		p.streams.Add(-1)
		p.problem(w, r, http.StatusServiceUnavailable, "too many open pages", "close some, or reload this page by hand")
		return
	}
	defer p.streams.Add(-1)
	s := &partStream{page: p, view: v, out: w, control: http.NewResponseController(w), sent: map[string][]byte{}}
	defer p.accompany(r, v)()
	w.Header().Set("Content-Type", "text/event-stream")
	ticks := time.NewTicker(v.listen())
	defer ticks.Stop()
	for checked := time.Now(); ; {
		if ended, err := s.send(r); err != nil || ended {
			return
		}
		if time.Since(checked) >= trustedYet {
			if ok, err := p.authenticated(r); err == nil && !ok {
				return
			}
			checked = time.Now()
		}
		select {
		case <-r.Context().Done():
			return
		case <-p.closed:
			return
		case <-ticks.C:
		}
	}
}

// accompany does what the view needs while a client listens. The caller calls stop.
func (p *Page) accompany(r *http.Request, v *view) (stop func()) {
	b, err := p.connected()
	if v.during == nil || err != nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(r.Context())
	var running sync.WaitGroup
	running.Go(func() { v.during(ctx, b, r.PathValue("id")) })
	return func() {
		cancel()
		running.Wait()
	}
}

// listen returns the time between looks at what a view shows.
func (v *view) listen() time.Duration {
	if v.during != nil {
		return lookOften
	}
	return lookEvery
}

// partStream is an open stream of a view.
type partStream struct {
	page     *Page
	view     *view
	out      http.ResponseWriter
	control  *http.ResponseController
	sent     map[string][]byte // what the client has, by part
	lastSent time.Time
}

// send sends what has changed. It returns an error if the client is gone, and ended if nothing will change any more.
func (s *partStream) send(r *http.Request) (ended bool, err error) {
	var events bytes.Buffer
	now := s.page.parts(r, s.view)
	if now.err != nil {
		s.event(&events, "gone", []byte(now.err.Error()))
	} else {
		for i, part := range s.view.parts {
			s.event(&events, "part", now.parts[i], part)
		}
		if ended = now.ended; ended {
			s.event(&events, "end", []byte("end"))
		}
	}
	at := time.Now()
	if events.Len() == 0 {
		if at.Sub(s.lastSent) < quietFor {
			return false, nil
		}
		events.WriteString(": alive\n\n")
	}
	s.lastSent = at
	err = s.control.SetWriteDeadline(at.Add(writeWithin)) // that of the server is for whole answers
	_, writeErr := s.out.Write(events.Bytes())
	return ended, errors.Join(err, writeErr, s.control.Flush())
}

// event adds an event unless the client already has it. The name of what it replaces is the last argument; by default that of
// the event.
func (s *partStream) event(events *bytes.Buffer, name string, data []byte, replaces ...string) {
	key := name
	if len(replaces) > 0 {
		key = replaces[0]
	}
	if bytes.Equal(s.sent[key], data) {
		return
	}
	s.sent[key] = data
	if name != "gone" {
		delete(s.sent, "gone")
	}
	text, err := json.Marshal(string(data)) // one line
	if err == nil {
		fmt.Fprintf(events, "event: %s\ndata: %s\n\n", name, text)
	}
}

// looks shares one look at the queue between all open pages.
type looks struct {
	look func(ctx context.Context, b *Backend) (*look, error)

	mu   sync.Mutex
	last *look
	err  error
	at   time.Time
}

// get returns a look that is at most half of lookEvery old.
func (l *looks) get(ctx context.Context, b *Backend) (*look, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < lookEvery/2 {
		return l.last, l.err
	}
	// A client that disconnects must not end the look for others.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lookTakes)
	defer stop()
	l.last, l.err = l.look(ctx, b)
	l.at = time.Now()
	return l.last, l.err
}

// forget makes the next page look at the queue again.
func (l *looks) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = time.Time{}
}

const lookTakes = 10 * time.Second // at most
