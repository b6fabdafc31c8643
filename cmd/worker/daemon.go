package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/semaphore"

	"mixduck/cmd/internal/claim"
	"mixduck/cmd/internal/connect"
	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/embedredis"
	"mixduck/internal/filesystem"
	"mixduck/internal/name"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/handler/fetch"
	"mixduck/jobs/handler/query"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
	"mixduck/storage"
	"mixduck/workspace"
)

// daemon is the program of `worker run`.
type daemon struct {
	cfg      config.Config
	log      *slog.Logger
	projects *projects
	loads    *semaphore.Weighted // of all jobs: a load uses all cores
	budget   *fetch.Budget       // for exports; nil if requests are not counted
	queries  *fetch.Budget       // for the Query API; nil if requests are not counted
	lexicon  *fetch.Budget       // nil if requests are not counted
	page     *page
}

// newDaemon checks the settings that only a worker uses, at now.
func newDaemon(cfg config.Config, now time.Time, log *slog.Logger) (*daemon, error) {
	page := newPage(cfg)
	projects, err := newProjects(cfg, page)
	if err := errors.Join(err, cfg.Authorities.Check(), cfg.CheckStarts(now), checkVolumes(cfg.Volumes), checkRedis(cfg.Redis), webConfig(cfg.HTTP, "").Check(), flightConfig(cfg).Check()); err != nil {
		return nil, err
	}
	loads := max(1, int64(runtime.GOMAXPROCS(0)/2))
	return &daemon{cfg: cfg, log: log, projects: projects, loads: semaphore.NewWeighted(loads), page: page}, nil
}

// checkVolumes rejects directories in which no database can be opened.
func checkVolumes(all []config.Volume) error {
	var errs []error
	for _, v := range all {
		if err := name.File(v.Dir); err != nil {
			errs = append(errs, fmt.Errorf("volume %s: %w", v.Name, err))
		}
	}
	return errors.Join(errs...)
}

func checkRedis(cfg config.Redis) error {
	if cfg.URL.IsZero() {
		return nil
	}
	_, err := connect.Options(cfg)
	return err
}

// run works until ctx is done. That is no error, even while the worker starts.
func (d *daemon) run(ctx context.Context) (err error) {
	told := ctx
	own, err := claim.Take(d.cfg.DataDir, claim.Worker, d.cfg.Redis.URL.IsZero())
	if err != nil {
		return err
	}
	defer own.Leave()
	volumes, err := claim.Identify(d.cfg.Volumes)
	if err != nil {
		return err
	}
	if err := d.page.open(ctx, d.cfg, d.log); err != nil {
		return unlessTold(told, err)
	}
	defer d.page.server.Close()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	rdb, closeQueue, err := d.connect(ctx, stop)
	if err != nil {
		return unlessTold(told, err)
	}
	defer func() { err = errors.Join(unlessTold(told, err), closeQueue()) }()
	queue, err := queue.New(rdb, queue.Config{Retention: d.cfg.Retention.Jobs, ResultRetention: d.cfg.Retention.Results})
	if err != nil {
		return err
	}
	shared, err := d.count(rdb, own.ID)
	if err != nil {
		return err
	}
	d.page.watch(rdb, queue, shared, d.cfg.Values())
	server, err := d.admit(ctx, rdb)
	if err != nil {
		return err
	}
	handlers, beside, err := d.handlers(own.ID, queue)
	if err != nil {
		return err
	}
	flights, err := d.serveFlight(ctx, own.ID, queue)
	if err != nil {
		return err
	}
	defer flights.Close()
	worker, err := worker.New(queue, handlers, d.workerConfig(own.ID, volumes), d.log)
	if err != nil {
		return err
	}
	d.log.Info("worker starts", slog.String("version", buildinfo.Version()), slog.String("data_dir", d.cfg.DataDir),
		slog.Bool("embedded_queue", d.cfg.Redis.URL.IsZero()))
	err = d.whileWorking(ctx, queue, own.ID, server, beside, func() error { return worker.Run(d.page.untilDrained(ctx)) })
	d.log.Info("worker stopped")
	if broken, ok := errors.AsType[*queueError](context.Cause(ctx)); ok {
		err = errors.Join(err, broken)
	}
	return err
}

func (d *daemon) workerConfig(id string, volumes []jobs.Volume) worker.Config {
	return worker.Config{
		ID: id, Volumes: volumes, Concurrency: d.cfg.Worker.Concurrency, Queries: d.cfg.Query.Concurrency,
		DrainTimeout: d.cfg.Worker.DrainTimeout, Backoff: worker.Backoff{Base: d.cfg.Worker.RetryBackoff}, Version: buildinfo.Version(),
		HTTP: d.page.address(), PresenceDirs: d.presenceDirs(),
		Room:       func(volume string) (free, size uint64, err error) { return filesystem.Room(d.cfg.VolumeDir(volume)) },
		OpenResult: query.OpenResult(d.locate), Observer: d.page,
	}
}

// presenceDirs returns a directory in each volume.
func (d *daemon) presenceDirs() []string {
	dirs := make([]string, len(d.cfg.Volumes))
	for i, v := range d.cfg.Volumes {
		dirs[i] = filepath.Join(v.Dir, ".mixduck", "workers")
	}
	return dirs
}

// unlessTold returns err, or nil if it only says that ctx is done: the worker was told to stop.
func unlessTold(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// count creates the budgets that all workers of the queue share. It returns the one for exports, or nil if requests
// are not counted.
func (d *daemon) count(rdb *redis.Client, claim string) (*budget.Budget, error) {
	n := d.cfg.Mixpanel.RequestsPerHour
	if n == 0 {
		return nil, nil //nolint:nilnil // documented
	}
	exports, err := budget.New(rdb, budget.Export.Limits(n))
	if err != nil {
		return nil, err
	}
	queries, err := budget.New(rdb, budget.Query.Limits(n))
	if err != nil {
		return nil, err
	}
	lexicon, err := budget.New(rdb, budget.Lexicon.Limits(n))
	if err != nil {
		return nil, err
	}
	d.budget = fetch.NewBudget(exports, budget.Export, claim, d.log)
	d.queries = fetch.NewBudget(queries, budget.Query, claim, d.log)
	d.lexicon = fetch.NewBudget(lexicon, budget.Lexicon, claim, d.log)
	return exports, nil
}

// queueError means that the embedded queue has failed. Acknowledged data is on disk.
type queueError struct{ err error }

func (e *queueError) Error() string { return "the embedded queue crashed: " + e.err.Error() }

// Hint says what to do.
func (*queueError) Hint() string { return "restart the worker; no job is lost" }

// Unwrap returns the reason.
func (e *queueError) Unwrap() error { return e.err }

// connect opens the queue's Redis: that of the settings or, in this process, the embedded one, which calls stop if it
// fails.
func (d *daemon) connect(ctx context.Context, stop context.CancelCauseFunc) (*redis.Client, func() error, error) {
	if !d.cfg.Redis.URL.IsZero() {
		opt, err := connect.Options(d.cfg.Redis)
		if err != nil {
			return nil, nil, err
		}
		rdb := redis.NewClient(opt)
		if err := connect.CheckServer(ctx, rdb); err != nil {
			return nil, nil, errors.Join(err, rdb.Close())
		}
		return rdb, rdb.Close, nil
	}
	server, err := embedredis.Open(ctx, embedredis.Config{Dir: d.cfg.QueueDir()}, d.log)
	if err != nil {
		return nil, nil, err
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		<-server.Done()
		if err := server.Err(); err != nil {
			stop(&queueError{err})
		}
	})
	rdb := server.Client()
	return rdb, func() error {
		err := errors.Join(rdb.Close(), server.Close())
		watching.Wait()
		return err
	}, nil
}

// locate returns the directory of a database's volume and the path of its file.
func (d *daemon) locate(database string) (dir, path string, err error) {
	return connect.Locate(d.cfg, "this worker", database)
}

// strangerWait is how long an attempt waits for another program to close a database before the job is paused.
const strangerWait = 2 * time.Second

// storage returns how to open a database for writing.
func (d *daemon) storage(database string) (storage.Config, error) {
	_, path, err := d.locate(database)
	return storage.Config{Path: path, LockWait: d.cfg.Worker.LockWait, StrangerWait: min(strangerWait, d.cfg.Worker.LockWait), MemoryLimit: d.cfg.Worker.MemoryLimit}, err
}

// open opens the workspace of a job.
func (d *daemon) open(f jobs.Fetch, spool string, log *slog.Logger) (*workspace.Workspace, error) {
	database, err := d.storage(f.Database)
	if err != nil {
		return nil, err
	}
	database.Adopt = f.Adopt
	return d.workspace(f, database, spool, log)
}

// openToAsk makes the workspace of a question to Mixpanel. Only comparisons open the database, and none fetches.
func (d *daemon) openToAsk(q jobs.Query, spool string, log *slog.Logger) (*workspace.Workspace, error) {
	database, err := d.storage(q.Database)
	if err != nil {
		return nil, err
	}
	if q.LockWait > 0 {
		database.LockWait = q.LockWait
	}
	return d.workspace(jobs.Fetch{Project: q.Project()}, database, spool, log)
}

func (d *daemon) workspace(f jobs.Fetch, database storage.Config, spool string, log *slog.Logger) (*workspace.Workspace, error) {
	p, client, err := d.projects.find(f.Project)
	if err != nil {
		return nil, err
	}
	cfg := workspace.Config{
		Project:  workspace.Project{ID: p.ID, Location: p.Location, Shifted: p.Shifted},
		Database: database, Model: p.Model,
		SpoolDir: spool, OpenPerLoad: true,
		Loads: d.loads, Observer: d.page, RequestsPerHour: d.cfg.Mixpanel.RequestsPerHour,
	}
	if d.budget != nil {
		cfg.Budget, cfg.RepeatBudget = d.budget, d.budget.Spare()
		cfg.QueryBudget, cfg.LexiconBudget = d.queries, d.lexicon
		if f.Spare {
			cfg.Budget = cfg.RepeatBudget
		}
	}
	return workspace.New(cfg, client, log)
}
