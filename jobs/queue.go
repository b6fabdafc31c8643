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

// Errors that callers branch on. They are wrapped with the job's id.
var (
	ErrNoJob        = fault.New(fault.CodeNotFound, "list the jobs; records are deleted when their retention ends", "no such job")
	ErrJobLost      = fault.New(fault.CodeFailed, "what it stored is kept; submit it again for the rest", "the queue has lost its data, and the job with it")
	ErrNotRetryable = fault.New(fault.CodeUsage, "only failed and cancelled jobs can be retried", "the job cannot be retried")
)

// Config tunes a [Queue]. The zero value is good.
type Config struct {
	Retention       time.Duration    // how long records of finished jobs are kept; 0 means 90 days
	ResultRetention time.Duration    // how long rows of queries are kept, and records of these at most; 0 means a day
	MaxCrashes      int              // dead workers in a row, without progress, after which a job fails; 0 means 5
	Now             func() time.Time // the clock; nil means [time.Now]
}

const (
	defaultRetention       = 90 * 24 * time.Hour
	defaultResultRetention = 24 * time.Hour
	defaultMaxCrashes      = 5
	defaultMaxAttempts     = 5
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
	relay      relayLimits

	mu      sync.Mutex // guards entropy
	entropy io.Reader
}

// NewQueue returns a queue on rdb, which stays the caller's to close. It connects to nothing.
func NewQueue(rdb redis.UniversalClient, cfg Config) (*Queue, error) {
	if cfg.Retention < 0 || cfg.ResultRetention < 0 || cfg.MaxCrashes < 0 {
		return nil, fault.Usage("leave it out for the default", "retention and the number of crashes cannot be negative")
	}
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.ResultRetention == 0 {
		cfg.ResultRetention = defaultResultRetention
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
		scripts: scripts, now: cfg.Now, maxCrashes: cfg.MaxCrashes, relay: usualRelayLimits(),
		records: store{rdb: rdb, scripts: scripts, now: cfg.Now, retention: cfg.Retention, resultRetention: cfg.ResultRetention},
		lanes:   lanes{rdb: rdb, scripts: scripts, now: cfg.Now},
		entropy: ulid.Monotonic(rand.Reader, 0),
	}, nil
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
			next, err := q.lanes.leave(ctx, e.lane(), id)
			if err == nil {
				q.discard(e)
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

// Retry puts a failed or cancelled job at the end of its lane again, with all of its attempts before it. Its progress stays,
// as what is committed does. It returns [ErrNotRetryable] for a job in another state.
func (q *Queue) Retry(ctx context.Context, id string) (Record, error) {
	id = strings.ToUpper(id)
	token := rand.Text()
	e, moved, err := q.records.move(ctx, id, move{
		from: []State{StateFailed, StateCancelled}, to: StateWaiting,
		set: []any{"retried", token, "attempt", 0, "crashes", 0, "started", "", "finished", "", "failure", "", "cancel", "", "run_at", ""},
	})
	switch {
	case err != nil:
		return Record{}, err
	case e == nil:
		return Record{}, fmt.Errorf("%w: %s", ErrNoJob, id)
	case !moved && e.retried != token: // else the answer was lost, and the command repeated
		return Record{}, fmt.Errorf("%w: %s is %s", ErrNotRetryable, id, e.State)
	}
	next, err := q.enter(ctx, e.Record, rule{})
	if err != nil {
		return Record{}, err
	}
	return q.added(ctx, e.Record, next), nil
}
