// Package lanes is what the packages below jobs share: the keys and scripts in Redis, records, lanes and turns. Each step may
// be repeated, and a sweep finishes those that were cut off.
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
	// CallTimeout bounds one step in Redis.
	CallTimeout = 10 * time.Second
	// PollOutages is for how long a queue that cannot be reached is waited for.
	PollOutages = time.Minute
	// FirstLook is how long after a step of a lane the sweep looks whether it went on.
	FirstLook = time.Second
)

// ErrLaneMoved says that a lane is not as it was when its caller looked.
var ErrLaneMoved = errors.New("the lane has moved")

const (
	defaultRetention       = 90 * 24 * time.Hour
	defaultResultRetention = 24 * time.Hour
	// DefaultMaxCrashes is how many dead workers in a row end a job.
	DefaultMaxCrashes = 5
)

// Config tunes a queue. The zero value is good.
type Config struct {
	Retention       time.Duration    // how long records of finished jobs are kept; 0 means 90 days
	ResultRetention time.Duration    // how long rows of queries are kept, and records of these at most; 0 means a day
	MaxCrashes      int              // dead workers in a row, without progress, after which a job fails; 0 means 5
	Now             func() time.Time // the clock; nil means [time.Now]
}

// Engine is what the rooms of jobs share: the keys in Redis, and the steps that take a job through its lane. It is safe for
// concurrent use, and starts nothing in the background.
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

// New returns an engine on rdb, which stays the caller's to close. It connects to nothing.
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

// Source has an engine, as a queue does.
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

// Job returns the record of a job, or [ErrNoJob]. The case of id does not matter.
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

// NewRecord returns the record of a new job; now is when it was asked for.
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
		rec.MaxAttempts = 1 // somebody waits for it, and can ask again
	case rec.MaxAttempts == 0:
		rec.MaxAttempts = jobs.DefaultMaxAttempts
	}
	return rec, nil
}

// Added announces the turn that a new job has started, if any, and returns the job's record. The job is in its lane:
// should Redis go away now a sweep does the first, and the second is known well enough.
func (en *Engine) Added(ctx context.Context, rec jobs.Record, next Turn) jobs.Record {
	if err := en.Dispatch(ctx, next); err != nil {
		return rec
	}
	if now, err := en.Job(ctx, rec.ID); err == nil {
		return now
	}
	return rec
}

// Enter puts a job that has a record into its lane and returns the turn that this started, if any. If the lane refuses
// it, the record is deleted. It returns [ErrLaneMoved] as how says.
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

// Time returns the clock of Redis. It decides when schedules are due: it is the one clock that all workers share.
func (en *Engine) Time(ctx context.Context) (time.Time, error) {
	now, err := en.Redis.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask Redis for the time: %w", err)
	}
	return now.UTC(), nil
}
