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

// phase is the phase of a worker's life.
type phase string

const (
	starting phase = "starting" // does not take jobs yet
	working  phase = "ready"
	draining phase = "draining" // does not take jobs any more
	unready  phase = "unready"  // working, but a check fails; only for output
)

// Health knows whether a worker can work. It begins as starting. It is safe for concurrent use.
type Health struct {
	phase atomic.Value // a phase

	mu     sync.Mutex // guards the fields below
	checks []*check
	advice []func() []string
}

// NewHealth returns the health of a starting worker.
func NewHealth() *Health {
	h := &Health{}
	h.phase.Store(starting)
	return h
}

// Started means that the worker takes jobs now, unless it is already draining.
func (h *Health) Started() { h.phase.CompareAndSwap(starting, working) }

// Drain means that the worker takes no more jobs.
func (h *Health) Drain() { h.phase.Store(draining) }

func (h *Health) draining() bool { return h.phase.Load() == draining }

// Watch makes readiness depend on a check. Its errors are shown to anybody who requests readiness. A check may take
// two seconds, and runs once at a time.
func (h *Health) Watch(name string, run func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, run: run, running: make(chan struct{}, 1)})
}

// Advise adds warnings to the readiness response. They do not change its status.
func (h *Health) Advise(warnings func() []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.advice = append(h.advice, warnings)
}

const checkTimeout = 2 * time.Second

// check is a condition for readiness.
type check struct {
	name    string
	run     func(context.Context) error
	running chan struct{} // holds an element while it runs, so only one goroutine waits for a hanging disk
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

// Readiness is the response of /readyz. Fields are only ever added.
type Readiness struct {
	Status phase    `json:"status"` // starting, ready, unready or draining
	Checks []Result `json:"checks"`

	Warnings []string `json:"warnings,omitempty"` // risks for the worker, although it can work
}

// Result is the result of a check.
type Result struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Readiness runs all checks concurrently.
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

// ServeHTTP responds with a [Readiness], and with status 200 only if the worker can work.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found := h.Readiness(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if found.Status != working {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(found) // the client is gone
}
