package jobs

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
)

// IfBusy says what becomes of a request for a database that another job holds.
type IfBusy string

// What to do if the database is held.
const (
	IfBusyQueue IfBusy = "queue" // wait in its lane
	IfBusyFail  IfBusy = "fail"  // return a [*BusyError] at once
)

// Request asks for a fetch.
type Request struct {
	Fetch       Fetch
	MaxAttempts int    // 0 means 5
	IfBusy      IfBusy // "" means [IfBusyQueue]
}

// Errors that callers branch on. They are wrapped with the job's id.
var (
	ErrNoJob        = fault.New(fault.CodeNotFound, "list the jobs; records are deleted when their retention ends", "no such job")
	ErrNotRetryable = fault.New(fault.CodeUsage, "only failed and cancelled jobs can be retried", "the job cannot be retried")
)

// BusyError says that another job holds the lane of a database.
type BusyError struct {
	Database string
	Holder   string // the id of the job that holds it
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("database %s is locked: job %s is writing to it", e.Database, e.Holder)
}

// FaultCode returns [fault.CodeLocked].
func (e *BusyError) FaultCode() fault.Code { return fault.CodeLocked }

// Hint says how to wait instead.
func (e *BusyError) Hint() string {
	return "wait for job " + e.Holder + ", or let the request queue behind it"
}

// Config tunes a [Queue]. The zero value is good.
type Config struct {
	Retention  time.Duration    // how long records of finished jobs are kept; 0 means 90 days
	MaxCrashes int              // dead workers in a row, without progress, after which a job fails; 0 means 5
	Now        func() time.Time // the clock; nil means [time.Now]
}

const (
	defaultRetention   = 90 * 24 * time.Hour
	defaultMaxCrashes  = 5
	defaultMaxAttempts = 5
)

// Queue submits jobs and tells how they stand. It is safe for concurrent use, and starts nothing in the background.
type Queue struct {
	rdb        redis.UniversalClient
	client     *asynq.Client
	inspector  *asynq.Inspector
	scripts    scripts
	records    store
	lanes      lanes
	now        func() time.Time
	maxCrashes int

	mu      sync.Mutex // guards entropy
	entropy io.Reader
}

// NewQueue returns a queue on rdb, which stays the caller's to close. It connects to nothing.
func NewQueue(rdb redis.UniversalClient, cfg Config) (*Queue, error) {
	if cfg.Retention < 0 || cfg.MaxCrashes < 0 {
		return nil, fault.Usage("leave it out for the default", "retention and the number of crashes cannot be negative")
	}
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.MaxCrashes == 0 {
		cfg.MaxCrashes = defaultMaxCrashes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	scripts, err := loadScripts()
	if err != nil {
		return nil, err
	}
	return &Queue{
		rdb: rdb, client: asynq.NewClientFromRedisClient(rdb), inspector: asynq.NewInspectorFromRedisClient(rdb),
		scripts: scripts, now: cfg.Now, maxCrashes: cfg.MaxCrashes,
		records: store{rdb: rdb, scripts: scripts, now: cfg.Now, retention: cfg.Retention},
		lanes:   lanes{rdb: rdb, scripts: scripts, now: cfg.Now},
		entropy: ulid.Monotonic(rand.Reader, 0),
	}, nil
}

// Submit puts a job at the end of its lane. Once it has returned without an error the job is not lost. It returns errors
// with [fault.CodeUsage] for senseless requests, and [*BusyError].
func (q *Queue) Submit(ctx context.Context, r Request) (Record, error) {
	if err := r.validate(); err != nil {
		return Record{}, err
	}
	now := q.now().UTC().Truncate(time.Millisecond)
	id, err := q.newID(now)
	if err != nil {
		return Record{}, err
	}
	rec := Record{
		ID: id, Kind: KindFetch, State: StateWaiting, Fetch: r.Fetch, MaxAttempts: r.MaxAttempts, CreatedAt: now,
	}
	if rec.MaxAttempts == 0 {
		rec.MaxAttempts = defaultMaxAttempts
	}
	// The record comes first: a lane never holds a job of which nothing is known. Should this process die in between, the
	// audit finds the record and puts it in its lane.
	if err := q.records.create(ctx, rec); err != nil {
		return Record{}, err
	}
	if err := q.enter(ctx, rec, r.IfBusy == IfBusyFail); err != nil {
		return Record{}, err
	}
	return q.Job(ctx, id)
}

func (r Request) validate() error {
	switch r.IfBusy {
	case "", IfBusyQueue, IfBusyFail:
	default:
		return fault.Usage("queue or fail", "%q is no way to treat a busy database", r.IfBusy)
	}
	if r.MaxAttempts < 0 {
		return fault.Usage("leave it out for the default", "%d attempts are less than one", r.MaxAttempts)
	}
	return r.Fetch.Validate()
}

// enter puts a job that has a record into its lane. If it is refused there, the record is deleted.
func (q *Queue) enter(ctx context.Context, r Record, refuse bool) error {
	state, t, err := q.lanes.submit(ctx, r.Fetch.Database, r.ID, refuse)
	if err != nil {
		return err
	}
	if state == statusBusy {
		if err := q.records.forget(ctx, r.ID, r.Fetch.Project, r.Fetch.Database); err != nil {
			return err
		}
		return &BusyError{Database: r.Fetch.Database, Holder: t.job}
	}
	return q.dispatch(ctx, t)
}

func (q *Queue) newID(at time.Time) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	id, err := ulid.New(ulid.Timestamp(at), q.entropy)
	if err != nil {
		return "", fmt.Errorf("make a job id: %w", err)
	}
	return id.String(), nil
}

// Job returns the record of a job, or [ErrNoJob]. The case of id does not matter.
func (q *Queue) Job(ctx context.Context, id string) (Record, error) {
	id = strings.ToUpper(id)
	e, err := q.records.load(ctx, id)
	if err != nil {
		return Record{}, err
	}
	if e == nil {
		return Record{}, fmt.Errorf("%w: %s", ErrNoJob, id)
	}
	one := []Record{e.Record}
	err = q.place(ctx, one)
	return one[0], err
}

// Cancel ends a job. One that runs is told to stop, and becomes cancelled when it has; others are cancelled on return.
// Cancelling a job that is final already changes nothing and is no error. What was committed stays.
func (q *Queue) Cancel(ctx context.Context, id string) (Record, error) {
	id = strings.ToUpper(id)
	for {
		e, moved, err := q.records.move(ctx, id, move{
			from: []State{StateWaiting, StateQueued, StatePaused, StateRetrying}, to: StateCancelled,
		})
		switch {
		case err != nil:
			return Record{}, err
		case e == nil:
			return Record{}, fmt.Errorf("%w: %s", ErrNoJob, id)
		case moved || e.State == StateCancelled: // once more in case a first call got no further
			next, err := q.lanes.leave(ctx, e.Fetch.Database, id)
			if err == nil {
				err = q.dispatch(ctx, next)
			}
			return e.Record, err
		case e.State.Final():
			return e.Record, nil
		}
		e, moved, err = q.records.move(ctx, id, move{
			from: []State{StateRunning}, to: StateRunning, set: []any{"cancel", "1"},
		})
		if err != nil {
			return Record{}, err
		}
		if moved {
			return e.Record, nil
		}
		// It stopped running between the two.
	}
}

// Retry puts a failed or cancelled job at the end of its lane again, with all of its attempts before it. It returns
// [ErrNotRetryable] for a job in another state.
func (q *Queue) Retry(ctx context.Context, id string) (Record, error) {
	id = strings.ToUpper(id)
	e, moved, err := q.records.move(ctx, id, move{
		from: []State{StateFailed, StateCancelled}, to: StateWaiting,
		set: []any{"attempt", 0, "crashes", 0, "started", "", "finished", "", "failure", "", "cancel", "", "run_at", ""},
	})
	switch {
	case err != nil:
		return Record{}, err
	case e == nil:
		return Record{}, fmt.Errorf("%w: %s", ErrNoJob, id)
	case !moved:
		return Record{}, fmt.Errorf("%w: %s is %s", ErrNotRetryable, id, e.State)
	}
	if err := q.enter(ctx, e.Record, false); err != nil {
		return Record{}, err
	}
	return q.Job(ctx, id)
}
