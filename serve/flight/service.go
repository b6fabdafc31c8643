package flight

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"golang.org/x/sync/semaphore"

	"mixduck/internal/fault"
	"mixduck/storage/query"
)

// service answers the requests of Flight SQL.
type service struct {
	flightsql.BaseServer
	cfg       Config
	databases Databases
	observer  Observer
	log       *slog.Logger
	slots     *semaphore.Weighted // of queries
	ctx       context.Context     //nolint:containedctx // of queries, which outlive the request that starts them
	stop      context.CancelFunc
	running   sync.WaitGroup // queries
	warned    sync.Once
	disk      quota         // of results that clients have not read yet
	patience  time.Duration // with a client that takes nothing of its result

	mu         sync.Mutex
	answers    map[string]*answer    // by their tickets
	statements map[string]*statement // by their handles
	busy, line int                   // queries that run and that wait

	descriptions map[string]description
}

const (
	maxAnswers     = 256 // that run or wait for their clients
	maxStatements  = 4096
	defaultTimeout = 10 * time.Minute
	maxStall       = time.Hour
)

var (
	errTimeout = errors.New("the query took too long")
	errStalled = fault.New(fault.CodeFailed, "run the query again, and read its result without long pauses", "the client stopped reading the result")
	errTooMany = fault.New(fault.CodeFailed, "read or close the results of earlier queries, or wait", "too many queries are open at this worker")
)

func newService(cfg Config, databases Databases, observer Observer, log *slog.Logger) *service {
	ctx, stop := context.WithCancel(context.Background())
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	s := &service{
		cfg: cfg, databases: databases, observer: observer, log: log, slots: semaphore.NewWeighted(int64(max(1, cfg.Concurrency))),
		ctx: ctx, stop: stop, answers: map[string]*answer{}, statements: map[string]*statement{},
		descriptions: map[string]description{}, disk: quota{max: cfg.MaxResult}, patience: maxStall,
	}
	s.describeServer()
	return s
}

// close ends all queries and waits for their processes.
func (s *service) close() {
	s.stop()
	s.running.Wait()
}

// run runs one query in its process, when it is its turn.
func (s *service) run(ctx context.Context, launch query.Launcher, req query.Request) (res query.Result, err error) {
	s.moved(0, 1)
	err = s.slots.Acquire(ctx, 1)
	s.moved(0, -1)
	if err != nil {
		return query.Result{}, context.Cause(ctx)
	}
	defer s.slots.Release(1)
	s.moved(1, 0)
	defer s.moved(-1, 0)
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout, fault.New(fault.CodeFailed,
		"increase query.timeout, or simplify the query", "%w: longer than %s", errTimeout, s.cfg.Timeout))
	defer cancel()
	req.Format, req.TempDir = query.Arrow, s.cfg.Dir
	req.MemoryLimit, req.MaxResultBytes, req.LockWait = s.cfg.MemoryLimit, s.cfg.MaxResult, s.cfg.LockWait
	res, err = query.Run(ctx, launch, req)
	s.observer.FlightQueryEnded(outcome(err), time.Since(began))
	if len(res.Unprotected) > 0 {
		s.warned.Do(func() { // it is the same kernel each time
			s.log.Warn("some protections for queries are not available", slog.Any("missing", res.Unprotected))
		})
	}
	if err == nil && s.cfg.NoteReads != nil && !req.Describe {
		s.cfg.NoteReads(ctx, req.Database, res.Reads)
	}
	return res, err
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, context.Canceled), errors.Is(err, errNoReader):
		return "cancelled"
	}
	return "failed"
}

// moved counts queries that run and that wait.
func (s *service) moved(busy, line int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += busy
	s.line += line
	s.observer.FlightQueries(s.busy, s.line)
}

// newID returns a name that nobody can guess: who knows the ticket of a result may read it.
func newID() string { return rand.Text() }
