package workspace

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mixduck/internal/stream"
	"mixduck/storage"
)

// FetchStream copies Mixpanel's data of a stream into a table. It downloads everything and proves that it is complete
// before it opens the database for writing. The table changes in one transaction: readers see either the old or the
// new state, and an interrupted fetch leaves one of them. FetchStream calls report about twice a second.
//
// The errors are those of [Workspace.FetchEvents], except [DaysError].
func (w *Workspace) FetchStream(ctx context.Context, r StreamRequest, report func(Progress)) (Progress, error) {
	s, err := r.check()
	if err != nil {
		return Progress{}, err
	}
	if r.Job == "" { // otherwise all requests without an ID would share their refreshes
		r.Job = rand.Text()
	}
	f := &refreshing{Workspace: w, req: r, stream: s, began: w.cfg.Now()}
	if f.tables, err = s.tables(w, &f.req); err != nil {
		return Progress{}, err
	}
	for i := range f.tables {
		f.tables[i].Project, f.tables[i].Stream = strconv.FormatInt(w.cfg.Project.ID, 10), cmp.Or(f.tables[i].Stream, strings.ReplaceAll(s.name, "-", "_"))
	}
	stop := f.reportTo(report)
	err = f.run(ctx)
	stop()
	return f.now(), err
}

// FetchProfiles is [Workspace.FetchStream] for profiles.
func (w *Workspace) FetchProfiles(ctx context.Context, r StreamRequest, report func(Progress)) (Progress, error) {
	r.Stream = stream.Profiles
	return w.FetchStream(ctx, r, report)
}

// refreshing is a call of FetchStream.
type refreshing struct {
	*Workspace
	req    StreamRequest
	stream *streamSource
	began  time.Time
	tables []storage.Keyed
	states []storage.KeyedState // of the tables; empty if there is no database
	since  time.Time            // of an incremental refresh; zero for a full one

	most     int64        // requests to send at most; 0 means no limit
	sent     atomic.Int64 // requests
	received atomic.Int64 // bytes

	mu       sync.Mutex // guards the fields below
	progress Progress
}

// harvest is the data fetched for a table.
type harvest struct {
	parts     []storage.Part
	partial   bool           // keep rows that were not received
	within    *storage.Scope // the requested rows; nil means all
	fetchedAt time.Time      // when the first request was sent
	hash      string
	note      string
}

func (f *refreshing) run(ctx context.Context) error {
	defer os.Remove(f.cfg.SpoolDir) // if it is empty
	if err := f.loadKept(ctx); err != nil {
		return err
	}
	if err := f.prepare(ctx); err != nil || f.done() {
		return err
	}
	if err := f.clearSpool(); err != nil {
		return err
	}
	defer func() {
		if f.req.Kept.Empty() {
			_ = f.clearSpool() // the next fetch removes the rest
		}
	}()
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	asked := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-f.req.Drain:
			cancel(ErrDrained)
		case <-asked:
		}
	})
	found, err := f.stream.ask(asking, f)
	close(asked)
	watch.Wait()
	if cause := context.Cause(asking); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return err
	}
	for i, h := range found {
		if len(f.states) > 0 && f.states[i].Done {
			continue
		}
		if err := f.refresh(ctx, f.tables[i], h); err != nil {
			for j := i + 1; j < len(found) && errors.Is(err, storage.ErrLocked); j++ {
				f.keep(f.tables[j], found[j])
			}
			return err
		}
	}
	return nil
}

// keep leaves what has come for a table to the next attempt.
func (f *refreshing) keep(table storage.Keyed, h harvest) {
	f.req.Kept.keepHarvest(f.kept(table, h))
}

func (f *refreshing) kept(table storage.Keyed, h harvest) keptHarvest {
	return keptHarvest{table, h, f.since, int(f.sent.Load()), f.received.Load()}
}

// loadKept commits what an earlier attempt has downloaded. Its receipts are counted like those of all earlier attempts.
func (f *refreshing) loadKept(ctx context.Context) error {
	all := f.req.Kept.takeHarvests()
	for i, k := range all {
		if _, err := f.commit(ctx, k); err != nil {
			for _, left := range all[i:] {
				f.req.Kept.keepHarvest(left)
			}
			return err
		}
	}
	if len(all) > 0 {
		return f.clearSpool()
	}
	return nil
}

// scopes returns what this job has refreshed of table i.
func (f *refreshing) scopes(i int) []string {
	if len(f.states) == 0 {
		return nil
	}
	return f.states[i].Scopes
}

// prepare checks the tables: what this job has done, and from when an incremental refresh must fetch.
func (f *refreshing) prepare(ctx context.Context) error {
	f.since = f.req.Since
	if !f.databaseExists() {
		return nil
	}
	f.states = make([]storage.KeyedState, len(f.tables))
	err := f.withEngine(ctx, func(e *storage.Engine) (err error) {
		f.update(func(p *Progress) { p.warnOfMoved(e.Moved()) })
		for i := range f.tables {
			if f.states[i], err = e.PrepareKeyed(ctx, f.tables[i], f.req.Job, f.req.Fence); err != nil {
				return err
			}
			for _, receipt := range f.states[i].Left {
				f.count(receipt)
			}
		}
		return nil
	})
	if first := f.states[0]; f.req.Incremental && first.Exists && !first.FullAt.IsZero() {
		if every := f.req.FullEvery; every == 0 || f.began.Sub(first.FullAt) < every {
			f.since = first.FetchedAt
		}
	}
	return err
}

// done reports whether this job has a receipt for each table.
func (f *refreshing) done() bool {
	for _, s := range f.states {
		if !s.Done {
			return false
		}
	}
	return len(f.states) > 0
}

// refresh commits the data fetched for a table.
func (f *refreshing) refresh(ctx context.Context, table storage.Keyed, h harvest) error {
	receipt, err := f.commit(ctx, f.kept(table, h))
	if errors.Is(err, storage.ErrLocked) {
		f.keep(table, h)
	}
	if err == nil {
		f.count(receipt)
	}
	return err
}

// commit loads what has come for a table.
func (f *refreshing) commit(ctx context.Context, k keptHarvest) (receipt storage.RefreshReceipt, err error) {
	if err := f.cfg.Loads.Acquire(ctx, 1); err != nil {
		return receipt, context.Cause(ctx)
	}
	defer f.cfg.Loads.Release(1)
	began, h := time.Now(), k.harvest
	err = f.withEngine(ctx, func(e *storage.Engine) (err error) {
		receipt, err = e.Refresh(ctx, storage.Refresh{
			Table: k.table, Parts: h.parts, Full: k.since.IsZero() && !h.partial, Within: h.within, Force: f.req.Force,
			Job: f.req.Job, Fence: f.req.Fence, FetchedAt: h.fetchedAt,
			Requests: k.requests, Bytes: k.bytes, Hash: h.hash, Note: h.note,
		})
		return err
	})
	if err != nil {
		return receipt, err
	}
	took := time.Since(began)
	f.log.LogAttrs(ctx, slog.LevelDebug, "stream loaded", slog.String("kind", f.stream.name), slog.Int64("rows", receipt.Rows), slog.Duration("took", took))
	if f.cfg.Observer != nil {
		f.cfg.Observer.WindowLoaded(f.cfg.Project.ID, receipt.Rows, receipt.Bytes, took)
	}
	return receipt, nil
}

// count adds the results of a refresh.
func (f *refreshing) count(c storage.RefreshReceipt) {
	f.update(func(p *Progress) {
		p.Rows += c.Rows
		p.Duplicates += c.Duplicates
		p.Quarantined += c.Quarantined
		p.Added += c.Added
		p.Removed += c.Removed
		p.Updated += c.Updated
		p.Unchanged += c.Unchanged
		if c.Note != "" {
			p.warn(c.Note)
		}
	})
}

func (f *refreshing) update(change func(*Progress)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.progress)
}

func (f *refreshing) now() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.progress
	p.Requests, p.Bytes = int(f.sent.Load()), f.received.Load()
	return p
}

// reportTo reports the progress until the returned function is called.
func (f *refreshing) reportTo(report func(Progress)) (stop func()) {
	ended := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			report(f.now())
			select {
			case <-tick.C:
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		reporter.Wait()
		report(f.now())
	}
}
