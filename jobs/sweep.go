package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// sweeper finishes what crashes have cut off: it announces turns again, ends those of dead workers, starts due jobs.
// Every worker has one; any number may look at the same lane, as each step they take is checked by a script. It is not
// safe for concurrent use.
type sweeper struct {
	q       *Queue
	me      identity
	running func(turn) bool        // whether this process has an attempt for the turn
	missing map[identity]time.Time // workers without a heartbeat, and since when this process sees that
}

const (
	lookRunning = 5 * time.Second  // how often a lane is looked at whose job runs
	lookQueued  = time.Minute      // how often at least, if its job waits for a free worker
	lostAfter   = 5 * time.Second  // for so long nobody may have a task
	orphanAfter = 10 * time.Second // for so long this process may not know an attempt that it began
	deadAfter   = 6 * time.Second  // for so long a heartbeat must be missing: after an outage of Redis all are
)

// reclaim ends the turns of earlier runs of this worker, of whatever lane.
func (s *sweeper) reclaim(ctx context.Context) error {
	lanes, err := s.q.rdb.ZRange(ctx, lanesKey, 0, -1).Result()
	if err != nil {
		return fmt.Errorf("list lanes: %w", err)
	}
	for _, lane := range lanes {
		t, by, err := s.q.lanes.holder(ctx, lane)
		if err == nil && by.id == s.me.id && by.boot != s.me.boot {
			err = s.q.rescue(ctx, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep looks at the lanes whose time has come.
func (s *sweeper) sweep(ctx context.Context) error {
	until := strconv.FormatInt(s.q.now().UnixMilli(), 10)
	lanes, err := s.q.rdb.ZRangeByScoreWithScores(ctx, lanesKey, &redis.ZRangeBy{Min: "-inf", Max: until}).Result()
	if err != nil {
		clear(s.missing) // nobody's heartbeat could be heard
		return fmt.Errorf("list lanes: %w", err)
	}
	live := &census{q: s.q}
	var failed error
	for _, z := range lanes {
		lane, ok := z.Member.(string)
		if !ok {
			continue
		}
		if err := s.visit(ctx, lane, z.Score, live); err != nil {
			failed = errors.Join(failed, err)
			if ctx.Err() != nil {
				break
			}
		}
	}
	return failed
}

// visit tends a lane and says when to do so again.
func (s *sweeper) visit(ctx context.Context, lane string, score float64, live *census) error {
	next, failed := s.tend(ctx, lane, live)
	if failed != nil {
		next = s.q.now().Add(lookRunning)
	}
	var at any = ""
	if !next.IsZero() {
		at = next.UnixMilli()
	}
	seen := strconv.FormatFloat(score, 'f', 0, 64)
	err := s.q.scripts.schedule.Run(ctx, s.q.rdb, []string{lanesKey}, lane, seen, at).Err()
	if err != nil {
		err = fmt.Errorf("lane %s: %w", lane, err)
	}
	return errors.Join(failed, err)
}

// tend brings a lane in order and returns when to look at it again, or the zero time if it is empty.
func (s *sweeper) tend(ctx context.Context, lane string, live *census) (time.Time, error) {
	v, err := s.q.lanes.look(ctx, lane)
	if err != nil {
		return time.Time{}, err
	}
	now := s.q.now()
	switch {
	case v.turn.job == "":
		return v.firstDue, nil
	case v.worker.id == "":
		age := now.Sub(v.since)
		return now.Add(min(max(age, firstLook), lookQueued)), s.remind(ctx, v.turn, age)
	}
	alive, sure, err := s.alive(ctx, v, live)
	switch {
	case err != nil:
		return time.Time{}, err
	case alive:
		return now.Add(lookRunning), nil
	case !sure:
		return now.Add(firstLook), nil
	}
	return now.Add(firstLook), s.q.rescue(ctx, v.turn)
}

// remind announces a turn again that no worker has begun, in case nobody did, and gives the
// job a new turn if its task is lost.
func (s *sweeper) remind(ctx context.Context, t turn, age time.Duration) error {
	if err := s.q.dispatch(ctx, t); err != nil || age < lostAfter {
		return err
	}
	e, err := s.q.records.load(ctx, t.job)
	if err != nil || e == nil || e.State != StateQueued || e.fence != t.fence {
		return err
	}
	waits, err := s.q.pending(t, e.Record)
	if err != nil || waits {
		return err
	}
	_, next, err := s.q.lanes.settle(ctx, t, exitRenew, time.Time{})
	if err != nil {
		return err
	}
	return s.q.dispatch(ctx, next)
}

// alive reports whether the worker that began a turn still has it. If it does not seem so, sure says whether that is
// known for long enough.
func (s *sweeper) alive(ctx context.Context, v view, live *census) (alive, sure bool, err error) {
	now := s.q.now()
	if v.worker.id == s.me.id {
		if v.worker.boot != s.me.boot {
			return false, true, nil // an earlier run of this process: there is only one
		}
		return s.running(v.turn), now.Sub(v.since) >= orphanAfter, nil
	}
	boot, ok, err := live.boot(ctx, v.worker.id)
	switch {
	case err != nil:
		clear(s.missing)
		return false, false, err
	case ok:
		delete(s.missing, v.worker)
		return boot == v.worker.boot, true, nil
	}
	since, known := s.missing[v.worker]
	if !known {
		s.missing[v.worker] = now
		return false, false, nil
	}
	return false, now.Sub(since) >= deadAfter, nil
}

// census is who lives, asked at most once for each sweep.
type census struct {
	q     *Queue
	boots map[string]string // by id
}

func (c *census) boot(ctx context.Context, id string) (string, bool, error) {
	if c.boots == nil {
		workers, err := c.q.Workers(ctx)
		if err != nil {
			return "", false, err
		}
		c.boots = make(map[string]string, len(workers))
		for _, w := range workers {
			c.boots[w.ID] = w.boot
		}
	}
	boot, ok := c.boots[id]
	return boot, ok, nil
}
