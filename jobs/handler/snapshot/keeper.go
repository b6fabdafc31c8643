// Package snapshot keeps the snapshots of databases up to date: it decides when one is due, has it made outside of the
// database's lane, and tells the queue about it. How a snapshot is made is the business of package storage/snapshot.
package snapshot

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/storage"
)

// Policy says when the snapshot of a database is replaced. The zero value means after each job that changed the database.
type Policy struct {
	Off         bool
	AtMostEvery time.Duration // 0 for no limit
}

// Place says where a database and its snapshot are.
type Place struct {
	Database string // path
	Snapshot string // path
	Name     string // see [storage.SnapshotRequest]
}

// queue keeps what is known of snapshots; [queue.Queue] is one.
type queue interface {
	Tables(ctx context.Context) ([]jobs.TableState, error)
	Snapshots(ctx context.Context) ([]jobs.Snapshot, error)
	ReportSnapshot(ctx context.Context, s jobs.Snapshot) error
	ForgetSnapshot(ctx context.Context, database string) error
}

// observer is told about snapshots: how long one took, or that it failed.
type observer interface {
	SnapshotEnded(outcome string, took time.Duration)
}

// The outcomes.
const (
	Made      = "made"
	Unchanged = "unchanged"
	Refused   = "refused" // no disk space
	Failed    = "failed"  // will be tried again
)

// Config says what a [Keeper] works with. All fields are required, except Now.
type Config struct {
	// Policy returns the policy of a database; project is the name or id of a project that fills it, or "".
	Policy func(database, project string) Policy
	// Locate returns an error for a database that is not in a volume of this worker.
	Locate func(database string) (Place, error)
	// Take makes a snapshot.
	Take     func(context.Context, storage.SnapshotRequest) (s storage.Snapshot, made bool, err error)
	LockWait time.Duration // see [storage.SnapshotRequest]
	Observer observer
	Now      func() time.Time // nil means time.Now
}

// Keeper makes snapshots. It is safe for concurrent use.
type Keeper struct {
	cfg   Config
	queue queue
	log   *slog.Logger
	wake  chan struct{} // capacity 1

	mu        sync.Mutex // guards the rest
	databases map[string]*database
	running   int
}

// database is what the keeper knows of one.
type database struct {
	name   string
	policy Policy

	due     time.Time // when to make the next snapshot; zero for never
	since   time.Time // when the database changed without a newer snapshot; zero if it did not
	job     string    // that changed it
	writers int       // jobs of this worker that write to it
	ended   time.Time // when the last of them ended
	running bool
	last    time.Time // when the last snapshot was taken
	fails   int       // in a row
	said    string    // the last failure that was logged
	seen    string    // state of the file at the last sweep
	asked   []chan answer
}

// answer is what those who ask for a snapshot get.
type answer struct {
	snapshot jobs.Snapshot
	err      error
}

// New returns a keeper that does nothing before Run.
func New(cfg Config, q queue, log *slog.Logger) *Keeper {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Keeper{cfg: cfg, queue: q, log: log, wake: make(chan struct{}, 1), databases: map[string]*database{}}
}

const (
	atOnce     = 2                      // snapshots of a worker: more would only compete for the disk
	handOver   = 200 * time.Millisecond // after a job; the next one of its lane has begun by then
	shareFor   = 10 * time.Second       // how long a snapshot waits for further jobs that are running
	sweepEvery = time.Minute
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	reportTime = 5 * time.Second
)

// Run makes snapshots until ctx is done. It ends those in progress: the next run makes them again.
func (k *Keeper) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	defer k.refuse()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	k.sweep(ctx)
	for {
		next := k.start(ctx, &working)
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-next:
		case <-tick.C:
			k.sweep(ctx)
		}
	}
}

// start starts the snapshots that are due. The returned channel receives a value when the next one is.
func (k *Keeper) start(ctx context.Context, working *sync.WaitGroup) <-chan time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.cfg.Now()
	var next time.Time
	for _, d := range k.databases {
		switch begin := d.begin(); {
		case d.due.IsZero() || d.running || k.running >= atOnce:
		case begin.After(now):
			if next.IsZero() || begin.Before(next) {
				next = begin
			}
		default:
			d.running, d.due = true, time.Time{}
			k.running++
			asked := d.asked
			d.asked = nil
			working.Go(func() { k.make(ctx, d, asked) })
		}
	}
	if next.IsZero() {
		return nil
	}
	return time.After(next.Sub(now))
}

// begin returns when to begin with a snapshot that is due. Consecutive jobs share one: otherwise, each job would wait for
// the copy made after the previous one.
func (d *database) begin() time.Time {
	limit := d.since.Add(shareFor)
	begin := d.ended.Add(handOver)
	if d.writers > 0 || begin.After(limit) {
		begin = limit
	}
	if d.asked != nil || begin.Before(d.due) {
		begin = d.due
	}
	return begin
}

// make makes one snapshot.
func (k *Keeper) make(ctx context.Context, d *database, asked []chan answer) {
	k.mu.Lock()
	job, since := d.job, d.since
	d.since = time.Time{} // changes from now on are not certain to be in the copy
	k.mu.Unlock()
	began := k.cfg.Now()
	s, made, err := k.take(ctx, d.name, job)
	took := k.cfg.Now().Sub(began)
	if ctx.Err() == nil {
		k.cfg.Observer.SnapshotEnded(outcomeOf(made, err), took)
	}
	state := k.settle(ctx, d, s, since, err)
	if made {
		k.log.LogAttrs(ctx, slog.LevelInfo, "snapshot made", slog.String("database", d.name), slog.String("job_id", job),
			slog.Int64("bytes", s.Bytes), slog.Duration("took", took))
	}
	if errors.Is(err, storage.ErrNotFound) {
		k.forget(ctx, d.name)
	} else {
		k.complain(ctx, d, err)
		k.report(ctx, state)
	}
	for _, a := range asked {
		a <- answer{state, err}
	}
	k.poke()
}

func outcomeOf(made bool, err error) string {
	switch {
	case errors.Is(err, storage.ErrNoRoom):
		return Refused
	case err != nil:
		return Failed
	case made:
		return Made
	}
	return Unchanged
}

func (k *Keeper) take(ctx context.Context, name, job string) (storage.Snapshot, bool, error) {
	at, err := k.cfg.Locate(name)
	if err != nil {
		return storage.Snapshot{}, false, err
	}
	return k.cfg.Take(ctx, storage.SnapshotRequest{
		Database: at.Database, To: at.Snapshot, Name: at.Name, Job: job, LockWait: k.cfg.LockWait,
	})
}

// settle notes how a snapshot ended, and returns what is known of it now.
func (k *Keeper) settle(ctx context.Context, d *database, s storage.Snapshot, since time.Time, err error) jobs.Snapshot {
	k.mu.Lock()
	defer k.mu.Unlock()
	d.running = false
	k.running--
	if err == nil {
		d.last, d.fails, d.said = s.TakenAt, 0, ""
		return stateOf(d, s)
	}
	if d.since.IsZero() || !since.IsZero() && since.Before(d.since) {
		d.since = since
	}
	if d.since.IsZero() {
		d.since = k.cfg.Now()
	}
	if ctx.Err() == nil && !errors.Is(err, storage.ErrNotFound) {
		wait := min(firstRetry<<min(d.fails, 10), lastRetry)
		d.fails++
		if retry := k.cfg.Now().Add(wait); d.due.IsZero() || d.due.Before(retry) {
			d.due = retry
		}
	}
	state := stateOf(d, k.stored(d.name))
	state.Failure = jobs.FailureOf(err, k.cfg.Now().UTC())
	return state
}

func stateOf(d *database, s storage.Snapshot) jobs.Snapshot {
	return jobs.Snapshot{Database: d.name, Path: s.Path, Job: s.Job, TakenAt: s.TakenAt, Bytes: s.Bytes, StaleSince: d.since.UTC()}
}

// stored returns the snapshot on disk, the zero value if there is none.
func (k *Keeper) stored(name string) (s storage.Snapshot) {
	at, err := k.cfg.Locate(name)
	if err != nil {
		return s
	}
	if found, err := storage.ReadSnapshot(at.Snapshot); err == nil && found != nil {
		return *found
	}
	return s
}

// complain logs a failure, unless it is the same as before.
func (k *Keeper) complain(ctx context.Context, d *database, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	again := d.said == err.Error()
	d.said = err.Error()
	k.mu.Unlock()
	if !again {
		k.log.LogAttrs(ctx, slog.LevelWarn, "snapshot not made", slog.String("database", d.name), slog.Any("err", err), slog.String("hint", fault.HintOf(err)))
	}
}

// report tells the queue. It does not have to succeed: the next sweep reports again.
func (k *Keeper) report(ctx context.Context, s jobs.Snapshot) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	if err := k.queue.ReportSnapshot(ctx, s); err != nil {
		k.log.LogAttrs(ctx, slog.LevelDebug, "could not report a snapshot", slog.String("database", s.Database), slog.Any("err", err))
	}
}

// forget deletes the snapshot of a database that is gone, or whose snapshots are turned off.
func (k *Keeper) forget(ctx context.Context, name string) {
	at, err := k.cfg.Locate(name)
	if err == nil {
		err = storage.RemoveSnapshot(at.Snapshot)
	}
	if err == nil {
		err = k.queue.ForgetSnapshot(ctx, name)
	}
	if err != nil {
		k.log.LogAttrs(ctx, slog.LevelWarn, "could not remove a snapshot", slog.String("database", name), slog.Any("err", err))
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if d := k.databases[name]; d != nil && d.writers == 0 && !d.running && d.asked == nil {
		delete(k.databases, name)
	}
}
