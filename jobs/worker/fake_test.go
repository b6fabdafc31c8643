package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
)

// fakeQueue returns a queue on a separate Redis, and its clock.
func fakeQueue(tb testing.TB) (*queue.Queue, *redistest.Clock) {
	tb.Helper()
	mini := miniredis.NewMiniRedis()
	tb.Cleanup(mini.Close)
	c := redistest.NewClock()
	q, err := queue.New(redistest.Piped(tb, mini), queue.Config{Now: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return q, c
}

func testRequest(database string) jobs.Request {
	return jobs.Request{Fetch: jobs.Fetch{
		Project: "demo", Database: "main/" + database + ".db", Table: "events", Mode: jobs.ModeSync,
		Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 31)},
	}}
}

func mustSubmit(tb testing.TB, q *queue.Queue, database string) jobs.Record {
	tb.Helper()
	r, err := q.Submit(context.Background(), testRequest(database))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// lookAt performs the first step of the sweep.
func lookAt(tb testing.TB, q *queue.Queue, lane string) lanes.View {
	tb.Helper()
	v, err := q.Engine().Lanes.Look(context.Background(), lane)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func testSweeper(q *queue.Queue, me lanes.Identity) *sweeper {
	return &sweeper{e: q.Engine(), me: me, running: func(lanes.Turn) bool { return false }, missing: make(map[lanes.Identity]time.Time)}
}

// sweepAll makes a sweeper check all lanes now.
func sweepAll(ctx context.Context, s *sweeper) error {
	names, err := s.e.Redis.ZRange(ctx, lanes.LanesKey, 0, -1).Result()
	if err != nil {
		return err
	}
	for _, lane := range names {
		if err := s.e.Redis.ZAddXX(ctx, lanes.LanesKey, redis.Z{Member: lane}).Err(); err != nil {
			return err
		}
	}
	return s.sweep(ctx)
}

var errCut = errors.New("cut off")

// cutter is a hook that disconnects a client from Redis: before the command that comes when left has reached zero, or
// with lose after it, so that only the reply is lost. A negative left disables it.
type cutter struct {
	left int
	lose bool
}

func (c *cutter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *cutter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return c.pass(func() error { return next(ctx, cmd) }, cmd.SetErr)
	}
}

func (c *cutter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return c.pass(func() error { return next(ctx, cmds) }, func(err error) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		})
	}
}

func (c *cutter) pass(send func() error, fail func(error)) error {
	switch {
	case c.left < 0:
		return send()
	case c.left > 0:
		c.left--
		return send()
	}
	if c.lose {
		c.lose = false // only the first is executed
		if err := send(); err != nil {
			return err
		}
	}
	fail(errCut)
	return errCut
}
