// Package held pauses jobs whose database another program has open, and lets them continue when it is released. Such a job
// has not failed: the program decides when it closes the file.
package held

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"mixduck/jobs"
	"mixduck/storage"
)

// queue lets a paused job continue; [queue.Queue] does.
type queue interface {
	Wake(ctx context.Context, database, id string) (bool, error)
}

// Keeper pauses jobs. It is safe for concurrent use.
type Keeper struct {
	queue queue
	log   *slog.Logger
	now   func() time.Time
	probe func(path string) (*storage.LockedError, error)

	mu     sync.Mutex // guards paused
	paused map[string]pause
}

// pause is what a job waits for.
type pause struct {
	database, path string
	since          time.Time // when the job began to wait
	after          time.Time // do not look before
	until          time.Time // when the job continues in any case
}

const (
	giveUpAfter = 24 * time.Hour
	look        = time.Second      // interval of looking whether a file is free
	shortest    = 3 * time.Second  // pause: a queue of readers can hide the program
	longest     = 2 * time.Minute  // pause, in case that this worker stops
	wakeTime    = 10 * time.Second // for the queue to answer
)

// New returns a keeper.
func New(q queue, log *slog.Logger) *Keeper {
	return &Keeper{queue: q, log: log, now: time.Now, probe: storage.Holder, paused: map[string]pause{}}
}

// Around returns a handler that does what inner does, but pauses the job if another program has its database open. A job
// that has waited for a day fails.
func (k *Keeper) Around(inner jobs.Handler) jobs.Handler { return &handler{k, inner} }

type handler struct {
	*Keeper
	inner jobs.Handler
}

// Run runs the other handler.
func (h *handler) Run(ctx context.Context, a *jobs.Attempt) error {
	before, done := a.Record.Progress.Held, a.Record.Progress.WindowsDone
	a.Record.Progress.Held = nil
	h.forget(a.Record.ID)
	err := h.inner.Run(ctx, a)
	locked, ok := errors.AsType[*storage.LockedError](err)
	if !ok || ctx.Err() != nil {
		return err
	}
	p := a.Progress()
	p.Held = &jobs.Held{Program: locked.Command, PID: locked.PID, Since: h.now().UTC()}
	if before != nil && p.WindowsDone <= done {
		p.Held.Since = before.Since
	}
	if h.now().Sub(p.Held.Since) >= giveUpAfter {
		return jobs.Permanent(err)
	}
	a.Report(p)
	until := h.now().Add(longest)
	h.watch(a.Record.ID, pause{a.Record.Database, locked.Path, p.Held.Since, h.now().Add(shortest), until})
	return jobs.PauseUntil(until, &waiting{*p.Held, err})
}

// waiting is the error of a job that waits.
type waiting struct {
	held jobs.Held
	err  error
}

func (e *waiting) Error() string { return e.held.String() }

// Unwrap returns the error of the storage engine.
func (e *waiting) Unwrap() error { return e.err }

func (k *Keeper) watch(id string, p pause) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.paused[id] = p
}

// Since returns when the job that has waited longest began to wait, or the zero time if none waits.
func (k *Keeper) Since() (oldest time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.paused {
		if p.until.After(k.now()) && (oldest.IsZero() || p.since.Before(oldest)) {
			oldest = p.since
		}
	}
	return oldest
}

func (k *Keeper) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.paused, id)
}

// Run lets paused jobs continue when their databases are free, until ctx is done. Jobs that other workers have paused
// continue without this, a little later.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.look(ctx)
		}
	}
}

// look looks at each file once.
func (k *Keeper) look(ctx context.Context) {
	free := map[string]bool{}
	for id, p := range k.due() {
		is, known := free[p.path]
		if !known {
			holder, err := k.probe(p.path)
			is = holder == nil && err == nil
			free[p.path] = is
		}
		if is {
			k.wake(ctx, id, p)
		}
	}
}

// due returns the jobs to look at, and forgets those that have continued.
func (k *Keeper) due() map[string]pause {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	due := map[string]pause{}
	for id, p := range k.paused {
		switch {
		case p.until.Before(now):
			delete(k.paused, id)
		case p.after.Before(now):
			due[id] = p
		}
	}
	return due
}

func (k *Keeper) wake(ctx context.Context, id string, p pause) {
	ctx, cancel := context.WithTimeout(ctx, wakeTime)
	defer cancel()
	paused, err := k.queue.Wake(ctx, p.database, id)
	switch {
	case err != nil:
		k.log.LogAttrs(ctx, slog.LevelWarn, "could not continue a job whose database is free", slog.String("job_id", id), slog.Any("err", err))
	case paused:
		k.log.LogAttrs(ctx, slog.LevelInfo, "database is free again", slog.String("job_id", id), slog.String("database", p.database))
		k.forget(id)
	}
}
