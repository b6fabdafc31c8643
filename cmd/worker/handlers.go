package main

import (
	"context"
	"os"
	"path/filepath"

	"mixduck/jobs"
	"mixduck/jobs/handler/aftersync"
	"mixduck/jobs/handler/ask"
	"mixduck/jobs/handler/edit"
	"mixduck/jobs/handler/fetch"
	"mixduck/jobs/handler/held"
	"mixduck/jobs/handler/query"
	"mixduck/jobs/handler/tables"
	"mixduck/jobs/queue"
)

// handlers returns the handlers of all kinds of work, and what runs beside them until its context is done.
func (d *daemon) handlers(workerID string, queue *queue.Queue) (map[jobs.Kind]jobs.Handler, []func(context.Context), error) {
	spool := filepath.Join(d.cfg.SpoolDir(), workerID)
	if err := os.RemoveAll(spool); err != nil { // of a killed run
		return nil, nil, err
	}
	start, err := launcher()
	if err != nil {
		return nil, nil, err
	}
	snapshots, err := d.snapshots(queue)
	if err != nil {
		return nil, nil, err
	}
	locks := held.New(queue, d.log)
	d.page.WatchSnapshots(snapshots.StaleSince)
	d.page.WatchHeld(locks.Since)
	edits := edit.New(d.storage, queue)
	fetches := fetch.New(fetch.Config{SpoolDir: spool, RequestsPerHour: d.cfg.Mixpanel.RequestsPerHour}, d.open, d.log)
	queries := query.New(query.Config{
		Launcher: start, MemoryLimit: d.cfg.Query.MemoryLimit, MaxResultBytes: d.cfg.Query.MaxResult,
		Timeout: d.cfg.Query.Timeout, LockWait: d.cfg.Worker.LockWait, Retention: d.cfg.Retention.Results,
	}, d.locate, queue, d.log)
	return map[jobs.Kind]jobs.Handler{
		jobs.KindEdit:  tables.New(locks.Around(snapshots.After(edits)), d.storage, queue, d.log),
		jobs.KindFetch: d.publishing(tables.New(locks.Around(snapshots.After(fetches)), d.storage, queue, d.log), queue),
		jobs.KindQuery: snapshots.Answering(queries),
		jobs.KindAsk:   ask.New(spool, d.openToAsk, queries, d.log),
	}, []func(context.Context){snapshots.Run, locks.Run}, nil
}

// publishing returns a handler of fetches that also has their tables published, if the settings say so.
func (d *daemon) publishing(fetches jobs.Handler, queue *queue.Queue) jobs.Handler {
	if !d.cfg.Lake.AfterSync() {
		return fetches
	}
	return aftersync.New(fetches, queue, d.cfg.Jobs.MaxAttempts, d.log)
}
