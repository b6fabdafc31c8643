// Package lanes contains what the packages below jobs share: keys and scripts in Redis, records, lanes and turns. Each
// step can be repeated, and a sweep completes interrupted ones.
package lanes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs"
)

const (
	// CallTimeout limits one step in Redis.
	CallTimeout = 10 * time.Second
	// PollOutages is how long to wait for an unreachable queue.
	PollOutages = time.Minute
	// FirstLook is the delay after a step of a lane until the sweep checks whether the lane went on.
	FirstLook = time.Second
)

// ErrLaneMoved means that a lane has changed since its caller looked.
var ErrLaneMoved = errors.New("the lane has moved")

const (
	defaultRetention       = 90 * 24 * time.Hour
	defaultResultRetention = 24 * time.Hour
	// DefaultMaxCrashes is the number of consecutive dead workers after which a job fails.
	DefaultMaxCrashes = 5
)

// Config tunes a queue. The zero value is valid.
type Config struct {
	Retention       time.Duration    // how long records of finished jobs are kept; 0 means 90 days
	ResultRetention time.Duration    // how long rows of queries are kept, and the maximum for their records; 0 means a day
	MaxCrashes      int              // consecutive dead workers without progress after which a job fails; 0 means 5
	Now             func() time.Time // the clock; nil means [time.Now]
}

// Engine is the common part of the packages below jobs: the keys in Redis, and the steps that move a job through its
// lane. It is safe for concurrent use and starts no background work.
type Engine struct {
	Redis      redis.UniversalClient
	Client     *asynq.Client
	Inspector  *asynq.Inspector
	Scripts    Scripts
	Records    Store
	Lanes      Lanes
	Now        func() time.Time
	maxCrashes int
	Relay      RelayLimits

	mu      sync.Mutex // guards entropy
	entropy io.Reader
}

// New returns an engine on rdb, which the caller closes. It does not connect.
func New(rdb redis.UniversalClient, cfg Config) (*Engine, error) {
	if cfg.Retention < 0 || cfg.ResultRetention < 0 || cfg.MaxCrashes < 0 {
		return nil, fault.Usage("omit it for the default", "retention and the number of crashes cannot be negative")
	}
	if cfg.Retention == 0 {
		cfg.Retention = defaultRetention
	}
	if cfg.ResultRetention == 0 {
		cfg.ResultRetention = defaultResultRetention
	}
	if cfg.MaxCrashes == 0 {
		cfg.MaxCrashes = DefaultMaxCrashes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	scripts := loadScripts()
	return &Engine{
		Redis: rdb, Client: asynq.NewClientFromRedisClient(rdb), Inspector: asynq.NewInspectorFromRedisClient(rdb),
		Scripts: scripts, Now: cfg.Now, maxCrashes: cfg.MaxCrashes, Relay: usualRelayLimits(),
		Records: Store{rdb: rdb, scripts: scripts, now: cfg.Now, retention: cfg.Retention, ResultRetention: cfg.ResultRetention},
		Lanes:   Lanes{rdb: rdb, scripts: scripts, now: cfg.Now},
		entropy: ulid.Monotonic(rand.Reader, 0),
	}, nil
}

// Source has an engine; a queue is one.
type Source interface{ Engine() *Engine }

func (en *Engine) newID(at time.Time) (string, error) {
	en.mu.Lock()
	defer en.mu.Unlock()
	id, err := ulid.New(ulid.Timestamp(at), en.entropy)
	if err != nil {
		return "", fmt.Errorf("make a job id: %w", err)
	}
	return id.String(), nil
}

// Job returns the record of a job, or [ErrNoJob]. IDs are case-insensitive.
func (en *Engine) Job(ctx context.Context, id string) (jobs.Record, error) {
	id = strings.ToUpper(id)
	e, err := en.Records.Load(ctx, id)
	if err != nil {
		return jobs.Record{}, err
	}
	if e == nil {
		return jobs.Record{}, fmt.Errorf("%w: %s", jobs.ErrNoJob, id)
	}
	one := []jobs.Record{e.Record}
	err = en.Locate(ctx, one)
	return one[0], err
}

// NewRecord returns the record of a new job that was requested at now.
func (en *Engine) NewRecord(r jobs.Request, now time.Time) (jobs.Record, error) {
	now = now.UTC().Truncate(time.Millisecond)
	id, err := en.newID(now)
	if err != nil {
		return jobs.Record{}, err
	}
	rec := r.Record()
	rec.ID, rec.State, rec.CreatedAt = id, jobs.StateWaiting, now
	switch {
	case rec.Kind == jobs.KindQuery:
		rec.MaxAttempts = 1 // a client waits, and can ask again
	case rec.MaxAttempts == 0:
		rec.MaxAttempts = jobs.DefaultMaxAttempts
	}
	return rec, nil
}

// Added announces the turn that a new job has started, if any, and returns the job's record. The job is already in its
// lane. If Redis becomes unreachable now, a sweep announces the turn, and rec is a good enough record.
func (en *Engine) Added(ctx context.Context, rec jobs.Record, next Turn) jobs.Record {
	if err := en.Dispatch(ctx, next); err != nil {
		return rec
	}
	if now, err := en.Job(ctx, rec.ID); err == nil {
		return now
	}
	return rec
}

// Enter puts a job with a record into its lane and returns the turn that this started, if any. If the lane refuses the
// job, its record is deleted. Enter returns [ErrLaneMoved] if how requires an unchanged lane and the lane has changed.
func (en *Engine) Enter(ctx context.Context, r jobs.Record, how Rule) (Turn, error) {
	state, t, err := en.Lanes.submit(ctx, r.Lane(), r.ID, how)
	if err != nil {
		return Turn{}, err
	}
	switch state {
	case statusBusy:
		if err := en.Records.Forget(ctx, r.ID, r.Project, r.Database); err != nil {
			return Turn{}, err
		}
		return Turn{}, &jobs.BusyError{Database: r.Database, Holder: t.Job}
	case statusMoved:
		return Turn{}, ErrLaneMoved
	case statusOK, statusStale, statusKnown:
	}
	return t, nil
}

// Time returns the time of Redis, the only clock that all workers share. It decides when schedules are due.
func (en *Engine) Time(ctx context.Context) (time.Time, error) {
	now, err := en.Redis.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask Redis for the time: %w", err)
	}
	return now.UTC(), nil
}
