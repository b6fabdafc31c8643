// Package worker takes jobs from their lanes, runs their handlers, and settles the outcomes. It also sweeps: it
// continues the work of dead workers.
package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Config tunes a [Worker].
type Config struct {
	// ID names the worker. It is the same at each start with the same data directory, and no two processes may use it
	// at once: the work of an earlier run is restarted as soon as the next run starts. Required.
	ID           string
	Volumes      []jobs.Volume // of this machine; required
	Concurrency  int           // concurrent attempts of jobs that write; 0 means 4
	Queries      int           // concurrent attempts of queries, and of as many questions to Mixpanel; 0 means 4
	DrainTimeout time.Duration // how long attempts may continue after the worker is told to stop; 0 means 20 s
	Backoff      Backoff       // between attempts
	Version      string        // shown with the worker; optional
	HTTP         string        // shown with the worker: address of health and metrics

	// PresenceDirs are directories in the volumes. Workers on one machine keep files there, so they see at once when one
	// of them has died. Without a common directory they wait until its heartbeat ends.
	PresenceDirs []string

	// OpenResult opens a file that a query handler has set in [Result.File], for readers without access to the volume.
	// If nil, the worker sends no files.
	OpenResult func(database, file string) (io.ReadSeekCloser, error)

	// Room returns the free space and the size of a volume's file system, in bytes. It may hang. Nil means that the worker
	// publishes neither.
	Room func(volume string) (free, size uint64, err error)

	Observer observer // is notified of what the worker does; may be nil
}

// observer is notified of what a worker does, from several goroutines.
type observer interface {
	// Started means that the worker now takes jobs.
	Started()
	// AttemptEnded reports the state of a job after an attempt. Waiting means that the worker drained, and "" that
	// another worker had taken over the turn.
	AttemptEnded(kind jobs.Kind, became jobs.State, took time.Duration)
}

// nobody ignores all notifications.
type nobody struct{}

func (nobody) Started() {}

func (nobody) AttemptEnded(jobs.Kind, jobs.State, time.Duration) {}

const (
	defaultConcurrency  = 4
	defaultQueries      = 4
	defaultDrainTimeout = 20 * time.Second

	taskCheckEvery = 50 * time.Millisecond  // how soon an idle worker sees a new turn
	askCheckEvery  = 200 * time.Millisecond // the same for questions to Mixpanel, which takes longer anyway
	sweepEvery     = time.Second
	trimEvery      = time.Minute
	auditEvery     = 5 * time.Minute
	settleAtMost   = 5 * time.Second // after the drain timeout; the next start completes the rest

)

func (c Config) withDefaults() Config {
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Queries == 0 {
		c.Queries = defaultQueries
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = defaultDrainTimeout
	}
	if c.Backoff.Base == 0 {
		c.Backoff.Base = defaultBackoffBase
	}
	if c.Backoff.Cap == 0 {
		c.Backoff.Cap = defaultBackoffCap
	}
	c.Backoff.Cap = max(c.Backoff.Cap, c.Backoff.Base)
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	return c
}

func (c Config) validate() error {
	if c.ID == "" || strings.ContainsAny(c.ID, "{}") {
		return fault.Usage("use an id that is stored in the data directory", "%q is no id of a worker", c.ID)
	}
	if len(c.Volumes) == 0 {
		return fault.Usage("name at least one, usually "+jobs.DefaultVolume, "the worker serves no volume")
	}
	for _, v := range c.Volumes {
		if err := name.Volume(v.Name); err != nil {
			return err
		}
		if strings.ContainsAny(v.ID, ",=") {
			return fault.Usage("letters and digits", "%q is no id of a volume", v.ID)
		}
	}
	if c.Concurrency < 0 || c.Queries < 0 || c.DrainTimeout < 0 || c.Backoff.Base < 0 || c.Backoff.Cap < 0 {
		return fault.Usage("omit it for the default", "concurrency, drain timeout and back-off cannot be negative")
	}
	return nil
}

// Worker runs jobs on its volumes.
type Worker struct {
	e        *lanes.Engine
	handlers map[jobs.Kind]jobs.Handler
	cfg      Config
	log      *slog.Logger
	me       lanes.Identity
	turns    *turns
	peers    *peers
	outage   *limiter
}

// New returns a worker that does nothing before Run. The handlers are by kind of work: see [jobs.Record.Work]. Its errors have [fault.CodeUsage].
func New(q lanes.Source, handlers map[jobs.Kind]jobs.Handler, cfg Config, log *slog.Logger) (*Worker, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if len(handlers) == 0 {
		return nil, fault.Usage("", "the worker has no handlers")
	}
	cfg = cfg.withDefaults()
	return &Worker{
		e: q.Engine(), handlers: handlers, cfg: cfg, log: log, me: lanes.Identity{ID: cfg.ID, Boot: rand.Text()},
		turns: newTurns(), outage: &limiter{},
	}, nil
}

// Run works until ctx is done. Then it takes no more jobs, lets attempts continue for the drain timeout, cancels them
// with [ErrShutdown], and returns when all handlers have. Their jobs are then first in their lanes. While Redis is
// unreachable, at the start or later, Run waits. It returns an error with [fault.CodeUsage] at once if another worker
// serves a different directory under the name of one of its volumes. A worker can run only once.
func (w *Worker) Run(ctx context.Context) error {
	own := context.WithoutCancel(ctx)
	w.peers = join(w.cfg.PresenceDirs, w.me, w.log)
	defer w.peers.leave()
	if err := w.arrive(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	background, stop := context.WithCancel(own)
	defer stop()
	var loops sync.WaitGroup
	loops.Go(func() { w.beats(background) })
	loops.Go(func() { w.sweeps(background) })
	if w.cfg.OpenResult != nil {
		loops.Go(func() { w.relays(background) })
	}

	attempts, cancel := context.WithCancelCause(own)
	defer cancel(nil)
	servers, err := w.serve(attempts)
	if err == nil {
		w.cfg.Observer.Started()
		<-ctx.Done()
		w.log.Info("worker drains", slog.Int("attempts", w.turns.open()))
		w.turns.close()
		for _, s := range servers {
			loops.Go(s.Stop)
		}
		w.drain(cancel)
	}
	stop()
	loops.Wait()
	for _, s := range servers {
		s.Shutdown()
	}
	if departErr := w.e.Depart(own, w.cfg.ID); departErr != nil {
		w.log.Warn("worker stays listed until its heartbeat ends", slog.Any("err", departErr))
	}
	return err
}

// arrive announces the worker and restarts the work of its earlier run. It retries until Redis is reachable or ctx is
// done, and returns an error only if the worker cannot join the others.
func (w *Worker) arrive(ctx context.Context) error {
	info := w.info()
	retry := time.NewTicker(sweepEvery)
	defer retry.Stop()
	for {
		err := w.e.Beat(ctx, info)
		if err == nil {
			err = w.e.CheckRivals(ctx, info.WorkerInfo)
		}
		if fault.CodeOf(err) == fault.CodeUsage {
			return errors.Join(err, w.e.Depart(ctx, w.cfg.ID))
		}
		if err == nil {
			err = w.sweeper().reclaim(ctx)
		}
		if err == nil {
			w.log.Info("worker started", slog.String("worker", w.cfg.ID), slog.Any("volumes", jobs.Volumes([]jobs.WorkerInfo{info.WorkerInfo}, "")))
			return nil
		}
		if dropped, ok := w.outage.allow(time.Now()); ok && ctx.Err() == nil {
			w.log.Warn("worker waits for the queue", slog.Any("err", err), slog.Int("dropped", dropped))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-retry.C:
		}
	}
}

// info returns the content of the worker's heartbeat.
func (w *Worker) info() lanes.Heartbeat {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return lanes.Heartbeat{Boot: w.me.Boot, WorkerInfo: jobs.WorkerInfo{
		ID: w.cfg.ID, Host: host, PID: os.Getpid(), Version: w.cfg.Version, Volumes: w.cfg.Volumes, Started: w.e.Now(),
		HTTP: w.cfg.HTTP, Kinds: slices.Sorted(maps.Keys(w.handlers)),
	}}
}

func (w *Worker) sweeper() *sweeper {
	return &sweeper{e: w.e, me: w.me, peers: w.peers, running: w.turns.has, missing: make(map[lanes.Identity]time.Time)}
}

// beats sends heartbeats until ctx is done.
func (w *Worker) beats(ctx context.Context) {
	info := w.info()
	d := disks{room: w.cfg.Room}
	w.every(ctx, lanes.BeatEvery, func() error {
		info.Disks = d.look(w.cfg.Volumes)
		return w.e.Beat(ctx, info)
	})
}

// sweeps maintains lanes and records until ctx is done.
func (w *Worker) sweeps(ctx context.Context) {
	s := w.sweeper()
	var trimmed, audited time.Time
	w.every(ctx, sweepEvery, func() error {
		err := s.sweep(ctx)
		if now := time.Now(); now.Sub(audited) >= auditEvery {
			audited = now
			err = errors.Join(err, audit(ctx, w.e), w.e.Records.IndexKinds(ctx))
		}
		if now := time.Now(); now.Sub(trimmed) >= trimEvery {
			more, trimErr := w.e.Records.Trim(ctx)
			if !more {
				trimmed = now
			}
			err = errors.Join(err, trimErr)
		}
		return err
	})
}

// every calls fn now and then at each interval, until ctx is done.
func (w *Worker) every(ctx context.Context, interval time.Duration, fn func() error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := fn(); err != nil && ctx.Err() == nil {
			w.troubled(w.log, err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// troubled logs from time to time that Redis is unreachable.
func (w *Worker) troubled(log *slog.Logger, err error) {
	if dropped, ok := w.outage.allow(time.Now()); ok {
		log.Warn("the queue cannot be reached", slog.Any("err", err), slog.Int("dropped", dropped))
	}
}

// stuckAfter is how long cancelled attempts may take to end before the worker logs what it is doing.
const stuckAfter = 30 * time.Second

// drain waits for the attempts, cancels them after the drain timeout, and keeps waiting.
func (w *Worker) drain(cancel context.CancelCauseFunc) {
	timeout := time.NewTimer(w.cfg.DrainTimeout)
	defer timeout.Stop()
	idle := w.turns.idle()
	select {
	case <-idle:
		return
	case <-timeout.C:
	}
	w.log.Warn("worker cancels its attempts", slog.Int("attempts", w.turns.open()))
	cancel(jobs.ErrShutdown)
	timeout.Reset(stuckAfter)
	select {
	case <-idle:
		return
	case <-timeout.C:
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	w.log.Error("attempts do not end; it is safe to kill the worker", slog.Int("attempts", w.turns.open()), slog.String("goroutines", string(stacks)))
	<-idle
}
