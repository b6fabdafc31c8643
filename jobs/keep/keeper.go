// Package keep keeps the queue able to work when Redis loses its data: it publishes what a worker knows again as soon as it
// is missing, and restores from a copy on the worker's disk what is nowhere else. It knows what has to be there; how Redis
// holds that is the business of package jobs.
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
	lookEvery    = time.Second // for what is missing
	publishEvery = time.Minute
	missingLasts = 30 * time.Second // for so long schedules may be missing before the worker counts as unready
)

// Config says what a worker publishes.
type Config struct {
	Worker    string // its id
	Schedules []jobs.Schedule
	Projects  []jobs.ProjectInfo
	File      string // that holds the copy; its directory must exist

	// Rebuild tells the queue what the databases of the worker hold, as far as that is not known. It is called after a loss,
	// and at the start if nothing is known. It returns the databases that were locked; the keeper asks for only these again
	// when it next publishes. A nil only means all.
	Rebuild func(ctx context.Context, known map[string][]jobs.TableState, only []string) (locked []string, err error)
}

// Keeper does that for one worker.
type Keeper struct {
	queue *queue.Queue
	cfg   Config
	log   *slog.Logger

	// What only Run uses.
	copy      kept
	revision  int64     // of the schedules in the copy
	published time.Time // when all was last published; zero if never
	refused   string    // why schedules were left out last time
	lost      bool      // data was lost, and not all of it is back
	looked    bool      // the databases were looked into at the start, or did not have to be
	locked    []string  // databases that are to be looked into when they are free

	first chan struct{} // closed when all has been published once

	mu      sync.Mutex // guards the rest
	names   []string   // of the schedules that the queue has to know
	missing []string   // those of them that it did not know when it was last asked
	since   time.Time  // when schedules were first missing; zero if none are
	losses  int
}

// New returns a keeper that does nothing before Run but read its copy. One that cannot be read is logged, and made anew.
func New(q *queue.Queue, cfg Config, log *slog.Logger) *Keeper {
	k := &Keeper{queue: q, cfg: cfg, log: log, first: make(chan struct{})}
	var err error
	if k.copy, err = load(cfg.File); err != nil {
		log.Error("the copy of the queue's schedules cannot be read and is made anew", slog.Any("err", err))
	}
	return k
}

// Published returns a channel that is closed when all has been published once.
func (k *Keeper) Published() <-chan struct{} { return k.first }

// Status says how the queue stands to what a worker knows.
type Status struct {
	Schedules int // of the worker's file
	Missing   int // of them those that the queue should know, and does not
	Losses    int // how often the queue was found to have lost data
}

// Status returns what was found out last.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Status{Schedules: len(k.cfg.Schedules), Missing: len(k.missing), Losses: k.losses}
}

// Check returns an error if the queue has not known schedules of the worker for some time.
func (k *Keeper) Check(context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.since.IsZero() || time.Since(k.since) < missingLasts {
		return nil
	}
	return fmt.Errorf("the queue does not know %s, so nothing fetches their days", strings.Join(k.missing, ", "))
}

// Run keeps the queue complete until ctx is done. While Redis cannot be reached it goes on trying, and logs that once.
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

// Step asks whether all is there, and publishes it if not, or if a minute is over. It is not safe for concurrent use.
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

// count notes which schedules are missing.
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

// clocksDiffer bounds how far the clocks of two Redis servers differ.
const clocksDiffer = time.Minute

// judge finds out why the data in Redis is another generation than that of the copy. One that was begun while the other one
// was still in use is that of another queue, which the copy does not concern.
func (k *Keeper) judge(m queue.Marks) {
	if m.Generation.ID != "" && m.Generation.At.Before(k.copy.SeenAt.Add(-clocksDiffer)) {
		k.log.Info("worker uses another queue than before: schedules that were added there stay there")
		k.copy = kept{Generation: m.Generation}
		return
	}
	if k.lost {
		return // it was said
	}
	k.lose()
	k.log.Warn("the queue has lost its data: jobs that waited or ran are gone; schedules, projects and tables are restored")
}

// lose notes that data was lost.
func (k *Keeper) lose() {
	k.lost = true
	k.mu.Lock()
	defer k.mu.Unlock()
	k.losses++
}

// publish brings into Redis what this worker knows. Each step may be repeated, and the copy goes first: what the worker's
// file says does not count more than what people have changed since.
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

// rebuild looks into the databases if the queue cannot know what they hold, and again into those that were locked.
func (k *Keeper) rebuild(ctx context.Context) error {
	if !k.lost && k.looked && len(k.locked) == 0 {
		return nil
	}
	known, err := k.queue.CopyTables(ctx)
	if err != nil {
		return err
	}
	only, all := k.locked, k.lost || !k.looked && len(known) == 0
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

// publishSchedules publishes those of the worker's file. Why some are left out is logged when it changes.
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

// save brings the copy up to date with what Redis holds, if that is what m says, and writes it to the disk.
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
	after, err := k.queue.Marks(ctx, k.cfg.Worker)
	if err != nil || after.Generation != m.Generation {
		return err // lost meanwhile: what was read may be half of it
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
