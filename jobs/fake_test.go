package jobs

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"mixduck/internal/day"
)

// clock is a clock that a test turns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// piped returns a client of mini that needs no network, so that it works in a synctest bubble.
func piped(tb testing.TB, mini *miniredis.Miniredis) *redis.Client {
	tb.Helper()
	rdb := redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return mini.Dial() },
		// It would look localhost up, in which bubbles meet.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	tb.Cleanup(func() { rdb.Close() })
	return rdb
}

// fakeQueue returns a queue on a Redis of its own, and its clock.
func fakeQueue(tb testing.TB) (*Queue, *clock) {
	tb.Helper()
	mini := miniredis.NewMiniRedis()
	tb.Cleanup(mini.Close)
	c := newClock()
	q, err := NewQueue(piped(tb, mini), Config{Now: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return q, c
}

func testRequest(database string) Request {
	return Request{Fetch: Fetch{
		Project: "demo", Database: "main/" + database + ".db", Table: "events", Mode: ModeSync,
		Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 31)},
	}}
}

func mustSubmit(tb testing.TB, q *Queue, database string) Record {
	tb.Helper()
	r, err := q.Submit(context.Background(), testRequest(database))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// lookAt does what the sweep does first.
func lookAt(tb testing.TB, q *Queue, lane string) view {
	tb.Helper()
	v, err := q.lanes.look(context.Background(), lane)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func testSweeper(q *Queue, me identity) *sweeper {
	return &sweeper{q: q, me: me, running: func(turn) bool { return false }, missing: make(map[identity]time.Time)}
}

// sweepAll makes a sweeper look at all lanes now.
func sweepAll(ctx context.Context, s *sweeper) error {
	lanes, err := s.q.rdb.ZRange(ctx, lanesKey, 0, -1).Result()
	if err != nil {
		return err
	}
	for _, lane := range lanes {
		if err := s.q.rdb.ZAddXX(ctx, lanesKey, redis.Z{Member: lane}).Err(); err != nil {
			return err
		}
	}
	return s.sweep(ctx)
}

var errCut = errors.New("cut off")

// cutter is a hook that cuts a client off from Redis: before the command that comes when left has run out, or with lose,
// after it, so that only the answer is lost. It is off while left is negative.
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
		c.lose = false // only the first is carried out
		if err := send(); err != nil {
			return err
		}
	}
	fail(errCut)
	return errCut
}
