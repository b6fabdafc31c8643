package snapshot

import (
	"context"
	"errors"
	"io/fs"

	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/jobs"
	"mixduck/storage"
)

// After returns a handler that does what inner does, and says that the database has changed if it has.
func (k *Keeper) After(inner jobs.Handler) jobs.Handler { return &after{k, inner} }

type after struct {
	*Keeper
	inner jobs.Handler
}

// Run runs the other handler. A job that fails may have committed something.
func (h *after) Run(ctx context.Context, a *jobs.Attempt) error {
	database := a.Record.Database
	h.write(database, 1)
	defer h.write(database, -1)
	before := h.source(database)
	err := h.inner.Run(ctx, a)
	if now := h.source(database); now != before && now != "" {
		h.Changed(database, a.Record.Project, a.Record.ID)
	}
	return err
}

// write counts the jobs that write to a database.
func (k *Keeper) write(name string, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.database(name)
	d.writers += n
	if n < 0 {
		d.ended = k.cfg.Now()
		k.poke()
	}
}

// source describes the file of a database, "" if there is none.
func (k *Keeper) source(name string) string {
	at, err := k.cfg.Locate(name)
	if err != nil {
		return ""
	}
	state, err := storage.SourceState(at.Database)
	if err != nil {
		return ""
	}
	return state
}

// Answering returns a handler that makes the snapshots that queries ask for, and leaves other queries to inner.
func (k *Keeper) Answering(inner jobs.Handler) jobs.Handler { return &answering{k, inner} }

type answering struct {
	*Keeper
	inner jobs.Handler
}

// Run makes a snapshot, unless the database has not changed since the last one.
func (h *answering) Run(ctx context.Context, a *jobs.Attempt) error {
	if !a.Record.Query.Snapshot {
		return h.inner.Run(ctx, a)
	}
	s, err := h.ask(ctx, a.Record.Database)
	if err != nil {
		return jobs.Permanent(err) // a client waits, and can ask again
	}
	a.SetResult(jobs.Result{Columns: []jobs.Column{}, Snapshot: &s, Expires: h.cfg.Now().UTC()})
	return nil
}

// ask makes a snapshot at once, even if its interval is not over.
func (k *Keeper) ask(ctx context.Context, database string) (jobs.Snapshot, error) {
	if name.IsSnapshot(database) {
		return jobs.Snapshot{}, fault.Usage("name the database itself", "%s is a snapshot", database)
	}
	if k.cfg.Policy(database, "").Off {
		return jobs.Snapshot{}, fault.Usage("remove snapshot: off from the worker's settings", "snapshots of %s are turned off", database)
	}
	done := make(chan answer, 1)
	k.mu.Lock()
	d := k.database(database)
	d.due = k.cfg.Now()
	d.asked = append(d.asked, done)
	k.mu.Unlock()
	k.poke()
	select {
	case a := <-done:
		return a.snapshot, a.err
	case <-ctx.Done():
		return jobs.Snapshot{}, context.Cause(ctx)
	}
}

// refuse answers those who still wait when the worker stops.
func (k *Keeper) refuse() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.databases {
		for _, a := range d.asked {
			a <- answer{err: jobs.ErrShutdown}
		}
		d.asked = nil
	}
}

// sweep finds databases that were changed by other programs or by a job whose snapshot was never made, removes the
// snapshots of databases that are gone, and reports what the queue does not know.
func (k *Keeper) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sweepEvery/2)
	defer cancel()
	projects, err := k.known(ctx)
	var reported []jobs.Snapshot
	if err == nil {
		reported, err = k.queue.Snapshots(ctx)
	}
	if err != nil {
		return // the queue is away: those who need it say so
	}
	at := map[string]jobs.Snapshot{}
	for _, s := range reported {
		at[s.Database] = s
		if _, ok := projects[s.Database]; !ok {
			projects[s.Database] = ""
		}
	}
	for database, project := range projects {
		if place, err := k.cfg.Locate(database); err == nil && ctx.Err() == nil {
			k.look(ctx, database, project, place, at[database])
		}
	}
}

// known returns the databases with tables that fetches have filled, and a project of each.
func (k *Keeper) known(ctx context.Context) (map[string]string, error) {
	tables, err := k.queue.Tables(ctx)
	projects := make(map[string]string, len(tables))
	for _, t := range tables {
		if !t.ReadAt.IsZero() {
			projects[t.Database] = t.Project
		}
	}
	return projects, err
}

// look compares a database with its snapshot.
func (k *Keeper) look(ctx context.Context, database, project string, at Place, reported jobs.Snapshot) {
	stored := k.stored(database)
	source, err := storage.SourceState(at.Database)
	gone := errors.Is(err, fs.ErrNotExist) || k.cfg.Policy(database, project).Off
	switch {
	case gone && (!stored.TakenAt.IsZero() || reported.Database != ""):
		k.forget(ctx, database)
		return
	case gone || err != nil:
		return
	}
	k.mu.Lock()
	d := k.database(database)
	steady := d.seen == "" || d.seen == source
	d.seen = source
	busy := d.running || !d.due.IsZero() || d.writers > 0
	state := stateOf(d, stored)
	k.mu.Unlock()
	switch {
	case busy:
	case stored.Source != source && steady: // otherwise, a job of another worker may be writing
		k.Changed(database, project, "")
	case stored.Source == source && (!reported.TakenAt.Equal(stored.TakenAt) || reported.Path != stored.Path || reported.Failure != nil):
		k.report(ctx, state)
	}
}
