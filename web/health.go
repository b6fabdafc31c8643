package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// phase is how far a worker is in its life.
type phase string

const (
	starting phase = "starting" // it takes no jobs yet
	working  phase = "ready"
	draining phase = "draining" // it takes none any more
	unready  phase = "unready"  // it works, and a check fails; only shown
)

// Health knows whether a worker can work. A new one is starting. It is safe for concurrent use.
type Health struct {
	phase atomic.Value // a phase

	mu     sync.Mutex // guards the rest
	checks []*check
	advice []func() []string
}

// NewHealth returns the health of a worker that starts.
func NewHealth() *Health {
	h := &Health{}
	h.phase.Store(starting)
	return h
}

// Started says that the worker takes jobs, unless it drains already.
func (h *Health) Started() { h.phase.CompareAndSwap(starting, working) }

// Drain says that the worker takes no more jobs.
func (h *Health) Drain() { h.phase.Store(draining) }

func (h *Health) draining() bool { return h.phase.Load() == draining }

// Watch makes readiness depend on a check, which returns what is wrong in words that anybody may read who asks for
// readiness. It is given two seconds, and run once at a time.
func (h *Health) Watch(name string, run func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, run: run, running: make(chan struct{}, 1)})
}

// Advise adds warnings to what readiness says. They change nothing about the status.
func (h *Health) Advise(warnings func() []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.advice = append(h.advice, warnings)
}

const checkTimeout = 2 * time.Second

// check is one thing that has to be well.
type check struct {
	name    string
	run     func(context.Context) error
	running chan struct{} // holds one while it runs: a disk that hangs is asked by one goroutine only
}

var (
	errHangs = errors.New("no response within " + checkTimeout.String())
	errBusy  = errors.New("the previous check is still running")
)

func (c *check) result(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, checkTimeout)
	defer stop()
	select {
	case c.running <- struct{}{}:
	case <-ctx.Done():
		return errBusy
	}
	found := make(chan error, 1)
	go func() {
		found <- c.run(ctx)
		<-c.running
	}()
	select {
	case err := <-found:
		return err
	case <-ctx.Done():
		return errHangs
	}
}

// Readiness is what /readyz answers. Fields are only ever added.
type Readiness struct {
	Status phase    `json:"status"` // starting, ready, unready or draining
	Checks []Result `json:"checks"`

	Warnings []string `json:"warnings,omitempty"` // what endangers the worker, though it can work
}

// Result is what came of a check.
type Result struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Readiness runs all checks side by side.
func (h *Health) Readiness(ctx context.Context) Readiness {
	h.mu.Lock()
	checks, advice := slices.Clone(h.checks), slices.Clone(h.advice)
	h.mu.Unlock()
	results := make([]Result, len(checks))
	var running sync.WaitGroup
	for i, c := range checks {
		running.Go(func() {
			err := c.result(ctx)
			results[i] = Result{Name: c.name, OK: err == nil}
			if err != nil {
				results[i].Error = err.Error()
			}
		})
	}
	running.Wait()
	r := Readiness{Checks: results}
	for _, warnings := range advice {
		r.Warnings = append(r.Warnings, warnings()...)
	}
	r.Status, _ = h.phase.Load().(phase)
	if r.Status == working && slices.ContainsFunc(results, func(r Result) bool { return !r.OK }) {
		r.Status = unready
	}
	return r
}

// ServeHTTP answers with a [Readiness], and status 200 only if the worker can work.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found := h.Readiness(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if found.Status != working {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(found) // who asked is gone
}
