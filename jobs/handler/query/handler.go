// Package query runs query jobs: it connects the contract of the queue to package storage/query. It decides where
// results are kept, and for how long.
package query

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/storage/query"
)

// Config tunes a [Handler].
type Config struct {
	Launcher       query.Launcher // starts the process that reads
	MemoryLimit    int64          // DuckDB's memory per query in bytes; 0 means 1 GB
	MaxResultBytes int64          // per result; 0 means no limit
	Timeout        time.Duration  // of queries that set none; 0 means 10 min
	LockWait       time.Duration  // of queries that set none
	Retention      time.Duration  // of results; 0 means a day; as [queue.Config.ResultRetention]
}

const (
	defaultTimeout   = 10 * time.Minute
	defaultRetention = 24 * time.Hour
)

// Locator returns the directory of a database's volume and the path of its file. Its errors are permanent.
type Locator func(database string) (volume, path string, err error)

// keeper stores small results, and which properties queries read; [queue.Queue] is one.
type keeper interface {
	StoreResult(ctx context.Context, id string, rows []byte) error
	NoteReads(ctx context.Context, database string, reads []jobs.PropertyRead) error
}

// Handler runs query jobs. It is a [jobs.Handler].
type Handler struct {
	cfg     Config
	locate  Locator
	results keeper
	log     *slog.Logger
	warned  sync.Once
}

// New returns a handler.
func New(cfg Config, locate Locator, results keeper, log *slog.Logger) *Handler {
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	return &Handler{cfg: cfg, locate: locate, results: results, log: log}
}

// Run answers the query. Few rows are stored in the queue, many in a file in the volume.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	return h.Answer(ctx, a, a.Record.Query)
}

// Answer is Run with another query in place of the job's.
func (h *Handler) Answer(ctx context.Context, a *jobs.Attempt, q jobs.Query) error {
	dir, path, err := h.place(a)
	if err != nil {
		return jobs.Permanent(err)
	}
	name := a.Record.ID + "." + string(q.Format)
	found, err := h.ask(ctx, q, path, filepath.Join(dir, name))
	if len(found.Unprotected) > 0 {
		h.warned.Do(func() { // the kernel stays the same
			h.log.LogAttrs(ctx, slog.LevelWarn, "some protections for queries are not available", slog.Any("missing", found.Unprotected))
		})
	}
	if err == nil {
		err = h.keep(ctx, a, dir, name, found)
	}
	if err != nil {
		return jobs.Permanent(err) // a client waits, and can ask again
	}
	if err := h.results.NoteReads(ctx, a.Record.Database, PropertyReads(found.Reads)); err != nil { // only for estimates
		h.log.LogAttrs(ctx, slog.LevelDebug, "reads not counted", slog.Any("err", err))
	}
	return nil
}

// PropertyReads converts what a query has read for the queue.
func PropertyReads(reads []query.Read) []jobs.PropertyRead {
	all := make([]jobs.PropertyRead, len(reads))
	for i, r := range reads {
		all[i] = jobs.PropertyRead(r)
	}
	return all
}

// ask writes the rows to output.
func (h *Handler) ask(ctx context.Context, q jobs.Query, path, output string) (query.Result, error) {
	request := query.Request{
		Database: path, SQL: q.SQL, Params: q.Params, Format: query.Format(q.Format), NestedJSON: q.NestedJSON, Limit: q.Limit, Output: output,
		MemoryLimit: h.cfg.MemoryLimit, MaxResultBytes: h.cfg.MaxResultBytes, LockWait: h.cfg.LockWait,
	}
	if q.Ask != nil { // the rows are in the statement
		request.Database, request.InMemory = "", true
	}
	if q.Inspect != "" {
		request.Inspect = &query.Inspect{Name: q.Inspect, Args: q.Args}
	}
	if q.LockWait > 0 {
		request.LockWait = q.LockWait
	}
	timeout := h.cfg.Timeout
	if q.Timeout > 0 {
		timeout = q.Timeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fault.New(fault.CodeFailed,
		"increase --timeout, or simplify the query", "the query took longer than %s", timeout))
	defer cancel()
	return query.Run(ctx, h.cfg.Launcher, request)
}

// keep sets the job's result, and moves a small one into the queue.
func (h *Handler) keep(ctx context.Context, a *jobs.Attempt, dir, name string, found query.Result) error {
	r := jobs.Result{
		Rows: found.Rows, Bytes: found.Bytes, Sum: found.Sum, Truncated: found.Truncated, File: filepath.Join(resultDir, name),
		Expires: time.Now().Add(h.cfg.Retention).UTC(),
	}
	for _, c := range found.Columns {
		r.Columns = append(r.Columns, jobs.Column(c))
	}
	if found.Bytes <= jobs.MaxStoredResult {
		file := filepath.Join(dir, name)
		rows, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := h.results.StoreResult(ctx, a.Record.ID, rows); err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
		r.File = ""
	}
	a.SetResult(r)
	return nil
}

// resultDir is the directory of results within a volume.
const resultDir = ".mixduck/results"

// tidy removes results older than before.
func tidy(dir string, before time.Time) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue // gone already, or new
		}
		if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// OpenResult opens the file of a result for [worker.Config]. It opens only results.
func OpenResult(locate Locator) func(database, file string) (io.ReadSeekCloser, error) {
	return func(database, file string) (io.ReadSeekCloser, error) {
		volume, _, err := locate(database)
		if err != nil {
			return nil, err
		}
		if filepath.Dir(file) != resultDir {
			return nil, fmt.Errorf("%q is not a result: %w", file, fs.ErrNotExist)
		}
		return os.Open(filepath.Join(volume, file))
	}
}
