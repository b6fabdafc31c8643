package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// sweeper completes what crashes have interrupted: it announces turns again, ends turns of dead workers, and starts
// due jobs. Every worker has one. Any number may process the same lane, because a script checks each step. It is not
// safe for concurrent use.
type sweeper struct {
	e       *lanes.Engine
	me      lanes.Identity
	peers   *peers                       // the workers on this machine
	running func(lanes.Turn) bool        // whether this process has an attempt for the turn
	missing map[lanes.Identity]time.Time // workers without a heartbeat, and since when this process has seen that
}

const (
	lookRunning = 5 * time.Second  // interval for lanes with a running job
	lookQueued  = time.Minute      // maximum interval for lanes that wait for a free worker
	lostAfter   = 5 * time.Second  // a task is lost when nobody has had it for this long
	orphanAfter = 10 * time.Second // a turn of this process is an orphan when its attempt is unknown for this long
	deadAfter   = 6 * time.Second  // a worker is out of action when its heartbeat is missing for this long; after an outage of Redis all are missing
)

// reclaim ends the turns of earlier runs of this worker in all lanes.
func (s *sweeper) reclaim(ctx context.Context) error {
	return s.abandon(ctx, func(by lanes.Identity) bool { return by.ID == s.me.ID && by.Boot != s.me.Boot })
}

// abandonPage is how many lanes are read in one round trip.
const abandonPage = 500

// abandon ends the turns of dead workers in all lanes.
func (s *sweeper) abandon(ctx context.Context, dead func(lanes.Identity) bool) error {
	names, err := s.e.Redis.ZRange(ctx, lanes.LanesKey, 0, -1).Result()
	if err != nil {
		return fmt.Errorf("list lanes: %w", err)
	}
	for page := range slices.Chunk(names, abandonPage) {
		held, err := s.e.Lanes.Holders(ctx, page...)
		if err != nil {
			return err
		}
		for _, h := range held {
			if h.By.ID == "" || !dead(h.By) {
				continue
			}
			if err := s.e.Rescue(ctx, h.Turn); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep checks all lanes that are due.
func (s *sweeper) sweep(ctx context.Context) error {
	until := strconv.FormatInt(s.e.Now().UnixMilli(), 10)
	names, err := s.e.Redis.ZRangeByScoreWithScores(ctx, lanes.LanesKey, &redis.ZRangeBy{Min: "-inf", Max: until}).Result()
	if err != nil {
		clear(s.missing) // no heartbeat could be recorded
		return fmt.Errorf("list lanes: %w", err)
	}
	live := &census{e: s.e}
	failed := s.peers.look(func(dead lanes.Identity) error {
		return s.abandon(ctx, func(by lanes.Identity) bool { return by == dead })
	})
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

// visit tends a lane and sets when to do so again.
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

// tend repairs a lane and returns when to check it again, or the zero time if it is empty.
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
	state, err := s.state(ctx, v, live)
	if err != nil {
		return time.Time{}, err
	}
	next := now.Add(lanes.FirstLook)
	switch state {
	case stalled:
		err = s.e.Relieve(ctx, v.Turn)
	case dead:
		err = s.e.Rescue(ctx, v.Turn)
	case healthy:
		next = now.Add(lookRunning)
	case silent:
	}
	return next, err
}

// remind announces a turn again that no worker has begun, in case nobody did. If its task is lost, the job gets a new
// turn.
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

// workerState is the state of the worker that has begun a turn.
type workerState int

const (
	healthy workerState = iota
	silent              // since recently
	stalled             // it lives, but does not continue the turn
	dead
)

// state returns the state of the worker that has begun a turn.
func (s *sweeper) state(ctx context.Context, v lanes.View, live *census) (workerState, error) {
	now := s.e.Now()
	if v.Worker.ID == s.me.ID {
		switch {
		case v.Worker.Boot != s.me.Boot:
			return dead, nil // an earlier run of this process: only one runs at a time
		case s.running(v.Turn):
			return healthy, nil
		case now.Sub(v.Since) < orphanAfter:
			return silent, nil
		}
		return stalled, nil
	}
	boot, ok, err := live.boot(ctx, v.Worker.ID)
	switch {
	case err != nil:
		clear(s.missing)
		return silent, err
	case ok && boot != v.Worker.Boot:
		return dead, nil
	case ok:
		delete(s.missing, v.Worker)
		return healthy, nil
	}
	since, known := s.missing[v.Worker]
	switch {
	case !known:
		s.missing[v.Worker] = now
		return silent, nil
	case now.Sub(since) < deadAfter:
		return silent, nil
	case s.peers.alive(v.Worker):
		return stalled, nil
	}
	return dead, nil
}

// census holds the live workers. It is loaded at most once per sweep.
type census struct {
	e     *lanes.Engine
	boots map[string]string // by ID
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
