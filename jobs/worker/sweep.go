package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// sweeper finishes what crashes have cut off: it announces turns again, ends those of dead workers, starts due jobs.
// Every worker has one; any number may look at the same lane, as each step they take is checked by a script. It is not
// safe for concurrent use.
type sweeper struct {
	e       *lanes.Engine
	me      lanes.Identity
	running func(lanes.Turn) bool        // whether this process has an attempt for the turn
	missing map[lanes.Identity]time.Time // workers without a heartbeat, and since when this process sees that
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
	names, err := s.e.Redis.ZRange(ctx, lanes.LanesKey, 0, -1).Result()
	if err != nil {
		return fmt.Errorf("list lanes: %w", err)
	}
	for _, lane := range names {
		t, by, err := s.e.Lanes.Holder(ctx, lane)
		if err == nil && by.ID == s.me.ID && by.Boot != s.me.Boot {
			err = s.e.Rescue(ctx, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep looks at the lanes whose time has come.
func (s *sweeper) sweep(ctx context.Context) error {
	until := strconv.FormatInt(s.e.Now().UnixMilli(), 10)
	names, err := s.e.Redis.ZRangeByScoreWithScores(ctx, lanes.LanesKey, &redis.ZRangeBy{Min: "-inf", Max: until}).Result()
	if err != nil {
		clear(s.missing) // nobody's heartbeat could be heard
		return fmt.Errorf("list lanes: %w", err)
	}
	live := &census{e: s.e}
	var failed error
	for _, z := range names {
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
		next = s.e.Now().Add(lookRunning)
	}
	var at any = ""
	if !next.IsZero() {
		at = next.UnixMilli()
	}
	seen := strconv.FormatFloat(score, 'f', 0, 64)
	err := s.e.Scripts.Schedule.Run(ctx, s.e.Redis, []string{lanes.LanesKey}, lane, seen, at).Err()
	if err != nil {
		err = fmt.Errorf("lane %s: %w", lane, err)
	}
	return errors.Join(failed, err)
}

// tend brings a lane in order and returns when to look at it again, or the zero time if it is empty.
func (s *sweeper) tend(ctx context.Context, lane string, live *census) (time.Time, error) {
	v, err := s.e.Lanes.Look(ctx, lane)
	if err != nil {
		return time.Time{}, err
	}
	now := s.e.Now()
	switch {
	case v.Turn.Job == "":
		return v.FirstDue, nil
	case v.Worker.ID == "":
		age := now.Sub(v.Since)
		return now.Add(min(max(age, lanes.FirstLook), lookQueued)), s.remind(ctx, v.Turn, age)
	}
	alive, sure, err := s.alive(ctx, v, live)
	switch {
	case err != nil:
		return time.Time{}, err
	case alive:
		return now.Add(lookRunning), nil
	case !sure:
		return now.Add(lanes.FirstLook), nil
	}
	return now.Add(lanes.FirstLook), s.e.Rescue(ctx, v.Turn)
}

// remind announces a turn again that no worker has begun, in case nobody did, and gives the
// job a new turn if its task is lost.
func (s *sweeper) remind(ctx context.Context, t lanes.Turn, age time.Duration) error {
	if err := s.e.Dispatch(ctx, t); err != nil || age < lostAfter {
		return err
	}
	e, err := s.e.Records.Load(ctx, t.Job)
	if err != nil || e == nil || e.State != jobs.StateQueued || e.Fence != t.Fence {
		return err
	}
	waits, err := s.e.Pending(t, e.Record)
	if err != nil || waits {
		return err
	}
	_, next, err := s.e.Lanes.Settle(ctx, t, lanes.ExitRenew, time.Time{})
	if err != nil {
		return err
	}
	return s.e.Dispatch(ctx, next)
}

// alive reports whether the worker that began a turn still has it. If it does not seem so, sure says whether that is
// known for long enough.
func (s *sweeper) alive(ctx context.Context, v lanes.View, live *census) (alive, sure bool, err error) {
	now := s.e.Now()
	if v.Worker.ID == s.me.ID {
		if v.Worker.Boot != s.me.Boot {
			return false, true, nil // an earlier run of this process: there is only one
		}
		return s.running(v.Turn), now.Sub(v.Since) >= orphanAfter, nil
	}
	boot, ok, err := live.boot(ctx, v.Worker.ID)
	switch {
	case err != nil:
		clear(s.missing)
		return false, false, err
	case ok:
		delete(s.missing, v.Worker)
		return boot == v.Worker.Boot, true, nil
	}
	since, known := s.missing[v.Worker]
	if !known {
		s.missing[v.Worker] = now
		return false, false, nil
	}
	return false, now.Sub(since) >= deadAfter, nil
}

// census is who lives, asked at most once for each sweep.
type census struct {
	e     *lanes.Engine
	boots map[string]string // by id
}

func (c *census) boot(ctx context.Context, id string) (string, bool, error) {
	if c.boots == nil {
		workers, err := c.e.Heartbeats(ctx)
		if err != nil {
			return "", false, err
		}
		c.boots = make(map[string]string, len(workers))
		for _, w := range workers {
			c.boots[w.ID] = w.Boot
		}
	}
	boot, ok := c.boots[id]
	return boot, ok, nil
}
