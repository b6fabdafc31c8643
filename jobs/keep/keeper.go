// Package keep restores the queue's data when Redis loses it. It publishes again what a worker knows as soon as it is
// missing, and restores everything else from a copy on the worker's disk. It knows which data must exist; the packages
// queue and schedule know how Redis stores it.
package keep

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

const (
	lookEvery    = time.Second // how often to look for missing data
	publishEvery = time.Minute
	missingLasts = 30 * time.Second // the worker becomes unready if schedules are missing for longer
)

// Config describes what a worker publishes.
type Config struct {
	Worker    string // the worker's ID
	Schedules []jobs.Schedule
	Projects  []jobs.ProjectInfo
	File      string // file for the copy; its directory must exist

	// Rebuild tells the queue which tables and days the worker's databases contain, where the queue does not know. It is
	// called after a loss, and at the start. It returns the databases that were locked; later calls pass
	// only these. A nil only means all databases.
	Rebuild func(ctx context.Context, known map[string][]jobs.TableState, only []string) (locked []string, err error)
}

// Keeper keeps the queue's data complete for one worker.
type Keeper struct {
	queue *queue.Queue
	cfg   Config
	log   *slog.Logger

	// Only Run uses these fields.
	copy      kept
	revision  int64     // of the copied schedules
	published time.Time // when everything was last published; zero if never
	refused   string    // why schedules were left out last time
	lost      bool      // data was lost, and some is still missing
	looked    bool      // the databases were read at the start
	locked    []string  // databases to read when they are unlocked

	first chan struct{} // closed when everything has been published once

	mu      sync.Mutex // guards the fields below
	names   []string   // schedules that the queue must know
	missing []string   // those that were missing at the last check
	since   time.Time  // when schedules were first missing; zero if none are
	losses  int
}

// New returns a keeper. It reads its copy, and does nothing else before Run. An unreadable copy is logged and
// replaced.
func New(q *queue.Queue, cfg Config, log *slog.Logger) *Keeper {
	k := &Keeper{queue: q, cfg: cfg, log: log, first: make(chan struct{})}
	var err error
	if k.copy, err = load(cfg.File); err != nil {
		log.Error("the copy of the queue's schedules cannot be read and is made anew", slog.Any("err", err))
	}
	return k
}

// Published returns a channel that is closed when everything has been published once.
func (k *Keeper) Published() <-chan struct{} { return k.first }

// Status compares the queue with what a worker knows.
type Status struct {
	Schedules int // in the worker's file
	Missing   int // schedules that the queue should know but does not
	Losses    int // how often the queue had lost data
}

// Status returns the result of the last check. It is safe for concurrent use.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Status{Schedules: len(k.cfg.Schedules), Missing: len(k.missing), Losses: k.losses}
}

// Check returns an error if schedules of the worker have been missing from the queue for 30 seconds.
func (k *Keeper) Check(context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.since.IsZero() || time.Since(k.since) < missingLasts {
		return nil
	}
	return fmt.Errorf("the queue does not know %s, so nothing fetches their days", strings.Join(k.missing, ", "))
}

// Run keeps the queue's data complete until ctx is done. While Redis is unreachable it keeps trying, and logs this
// once.
func (k *Keeper) Run(ctx context.Context) {
	timer := time.NewTicker(lookEvery)
	defer timer.Stop()
	troubled := false
	for ctx.Err() == nil {
		err := k.Step(ctx)
		switch {
		case err == nil || ctx.Err() != nil || troubled:
		case k.published.IsZero():
			k.log.Warn("worker waits for the queue", slog.Any("err", err))
		default:
			k.log.Warn("the queue cannot be kept complete", slog.Any("err", err))
		}
		troubled = err != nil
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// Step checks for missing data. It publishes if some is missing or a minute has passed. It is not safe for concurrent
// use.
func (k *Keeper) Step(ctx context.Context) error {
	m, err := k.queue.Marks(ctx, k.cfg.Worker)
	if err != nil {
		return err
	}
	k.count(m)
	switch {
	case !k.copy.Generation.At.IsZero() && m.Generation != k.copy.Generation:
		k.judge(m)
	case m.Generation.ID == "", !m.Projects, m.Revision != k.revision, k.Status().Missing > 0, k.lost:
	case time.Since(k.published) >= publishEvery:
	default:
		return nil
	}
	return k.publish(ctx)
}

// count records which schedules are missing.
func (k *Keeper) count(m queue.Marks) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.missing = slices.DeleteFunc(slices.Clone(k.names), func(name string) bool { return m.Schedules[name] })
	switch {
	case len(k.missing) == 0:
		k.since = time.Time{}
	case k.since.IsZero():
		k.since = time.Now()
	}
}

// clocksDiffer is the largest expected difference between the clocks of two Redis servers.
const clocksDiffer = time.Minute

// judge finds out why the data in Redis has another generation than the copy. If that generation began while the
// copy's was still in use, it belongs to another queue, and the copy does not apply to it.
func (k *Keeper) judge(m queue.Marks) {
	if m.Generation.ID != "" && m.Generation.At.Before(k.copy.SeenAt.Add(-clocksDiffer)) {
		k.log.Info("worker uses another queue than before: schedules that were added there stay there")
		k.copy = kept{Generation: m.Generation}
		return
	}
	if k.lost {
		return // already logged
	}
	k.lose()
	k.log.Warn("the queue has lost its data: jobs that waited or ran are gone; schedules, projects and tables are restored")
}

// lose records that data was lost.
func (k *Keeper) lose() {
	k.lost = true
	k.mu.Lock()
	defer k.mu.Unlock()
	k.losses++
}

// publish writes what this worker knows to Redis. Each step can be repeated. The copy goes first, because changes made
// by people since override the worker's file.
func (k *Keeper) publish(ctx context.Context) error {
	now, err := k.queue.Time(ctx)
	if err != nil {
		return err
	}
	restored, err := schedule.NewStore(k.queue).Restore(ctx, k.copy.Schedules, now)
	if len(restored) > 0 {
		if !k.lost {
			k.lose()
		}
		k.log.Warn("schedules that the queue had lost were restored", slog.Any("schedules", restored))
	}
	if err != nil {
		return err
	}
	if err := k.publishSchedules(ctx); err != nil {
		return err
	}
	if err := k.queue.PublishProjects(ctx, k.cfg.Worker, k.cfg.Projects); err != nil {
		return err
	}
	if err := k.queue.RestoreTables(ctx, k.copy.Tables); err != nil {
		return err
	}
	if err := k.queue.RestoreSaved(ctx, k.copy.Questions); err != nil {
		return err
	}
	if _, err := k.queue.BeginGeneration(ctx); err != nil {
		return err
	}
	if k.published.IsZero() {
		close(k.first)
	}
	k.published = time.Now()
	if err := k.rebuild(ctx); err != nil {
		return err
	}
	if k.lost {
		k.log.Info("the queue knows all schedules, projects and tables of this worker again")
	}
	k.lost = false
	m, err := k.queue.Marks(ctx, k.cfg.Worker)
	if err != nil {
		return err
	}
	k.count(m)
	return k.save(ctx, m)
}

// rebuild reads the databases if the queue cannot know their tables, and reads locked ones again later.
func (k *Keeper) rebuild(ctx context.Context) error {
	if !k.lost && k.looked && len(k.locked) == 0 {
		return nil
	}
	known, err := k.queue.CopyTables(ctx)
	if err != nil {
		return err
	}
	only, all := k.locked, k.lost || !k.looked
	if all {
		only = nil
	}
	if all || len(only) > 0 {
		if k.locked, err = k.cfg.Rebuild(ctx, known, only); err != nil {
			return err
		}
	}
	k.looked = true
	return nil
}

// publishSchedules publishes the schedules of the worker's file. It logs why some are left out when the reason
// changes.
func (k *Keeper) publishSchedules(ctx context.Context) error {
	p, err := schedule.NewStore(k.queue).Publish(ctx, k.cfg.Worker, k.cfg.Schedules, !k.published.IsZero())
	if err != nil {
		return err
	}
	refused := fmt.Sprint(p.Refused)
	for _, err := range p.Refused {
		if refused != k.refused {
			k.log.Error("schedule of the file is left out", slog.Any("err", err), slog.String("hint", fault.HintOf(err)))
		}
	}
	k.refused = refused
	k.mu.Lock()
	defer k.mu.Unlock()
	k.names = p.Names
	return nil
}

// save updates the copy from Redis, if m shows that Redis is complete, and writes it to disk.
func (k *Keeper) save(ctx context.Context, m queue.Marks) error {
	now, err := k.queue.Time(ctx)
	if err != nil {
		return err
	}
	next := kept{Generation: m.Generation, SeenAt: now}
	if next.Schedules, err = schedule.NewStore(k.queue).Copy(ctx, now); err != nil {
		return err
	}
	if next.Tables, err = k.queue.CopyTables(ctx); err != nil {
		return err
	}
	if next.Questions, err = k.queue.CopySaved(ctx); err != nil {
		return err
	}
	after, err := k.queue.Marks(ctx, k.cfg.Worker)
	if err != nil || after.Generation != m.Generation {
		return err // data was lost meanwhile: what was read may be incomplete
	}
	k.revision = m.Revision
	if next = next.onto(k.copy); next.same(k.copy) {
		return nil
	}
	if err := next.write(k.cfg.File); err != nil {
		return fmt.Errorf("the copy of the queue's schedules cannot be written, so a Redis that loses its data loses them: %w", err)
	}
	k.copy = next
	return nil
}
