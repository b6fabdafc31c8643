package mixpaneltest

import (
	"context"
	"slices"
	"sync"
	"time"

	"mixduck/internal/day"
)

// Injection is a fault in force until it is removed. It is safe for concurrent use.
type Injection struct {
	ID    int   `json:"id"`
	Fault Fault `json:"fault"`

	server   *Server
	reached  chan struct{}
	reach    func()
	released chan struct{}
	release  func()

	// Guarded by the server's mutex.
	hits int
	seen map[day.Day]int // requests for a day since the injection; for faults of the data
}

// Inject puts f in force. If several faults of the response, the lines and the wire match a request, the first
// injected one applies. Faults of the data are applied in the order of injection.
func (s *Server) Inject(f Fault) (*Injection, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	reached, released := make(chan struct{}), make(chan struct{})
	i := &Injection{
		Fault:    f,
		server:   s,
		reached:  reached,
		reach:    sync.OnceFunc(func() { close(reached) }),
		released: released,
		release:  sync.OnceFunc(func() { close(released) }),
		seen:     make(map[day.Day]int),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	i.ID = s.nextID
	s.injections = append(s.injections, i)
	return i, nil
}

// Injections returns the faults in force.
func (s *Server) Injections() []*Injection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.injections)
}

// Remove ends the fault for future requests, and releases those that it holds.
func (i *Injection) Remove() {
	i.release()
	s := i.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injections = slices.DeleteFunc(s.injections, func(other *Injection) bool { return other == i })
}

// Release releases the requests that the fault holds, now and later. The fault stays in force.
func (i *Injection) Release() { i.release() }

// Hits returns how many requests the fault has affected; for a fault of the data, how many responses it has changed.
func (i *Injection) Hits() int {
	i.server.mu.Lock()
	defer i.server.mu.Unlock()
	return i.hits
}

// Reached is closed when the fault first affects a request; for SlowFirstByte and Stall, when it first holds one.
func (i *Injection) Reached() <-chan struct{} { return i.reached }

// hold waits for as long as the fault requires.
func (i *Injection) hold(ctx context.Context) {
	i.reach()
	var timeout <-chan time.Time
	if i.Fault.Hold > 0 {
		timer := time.NewTimer(i.Fault.Hold)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-timeout:
	case <-i.released:
	case <-i.server.closed:
	case <-ctx.Done():
	}
}

// plan is the effect of the faults in force on one request.
type plan struct {
	fault *Injection         // of the response, the lines or the wire; nil for none
	edits map[day.Day][]edit // of the data
}

// kind returns the kind of the fault, or "".
func (p plan) kind() Kind {
	if p.fault == nil {
		return ""
	}
	return p.fault.Fault.Kind
}

// plan counts a request for q for all faults in force; call is "" for an export.
func (s *Server) plan(project int64, call string, q query) plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	var p plan
	for _, i := range s.injections {
		switch f := i.Fault; {
		case f.Kind.class() == dataClass:
			if call == "" {
				i.count(project, q.days)
			}
		case p.fault == nil && f.hits(project, call, q) && (f.Times == 0 || i.hits < f.Times):
			i.hits++
			p.fault = i
			if f.Kind != Stall && f.Kind != SlowFirstByte {
				i.reach()
			}
		}
	}
	p.edits = s.edits(project, q.days)
	return p
}

// count records a request for days. The caller holds the server's mutex.
func (i *Injection) count(project int64, days day.Range) {
	concerned := false
	for d := range days.All() {
		if i.Fault.changes(project, d) {
			i.seen[d]++
			concerned = true
		}
	}
	if concerned {
		i.hits++
		i.reach()
	}
}

// edits returns the effects of the faults of the data on days, as of the latest request. The caller holds the server's
// mutex.
func (s *Server) edits(project int64, days day.Range) map[day.Day][]edit {
	edits := make(map[day.Day][]edit)
	for _, i := range s.injections {
		for d := range days.All() {
			if i.Fault.changes(project, d) {
				edits[d] = append(edits[d], newEdit(i.Fault, d, max(1, i.seen[d])))
			}
		}
	}
	return edits
}
