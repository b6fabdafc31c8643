package lanes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/field"
)

// Locate sets the fields that are not stored in records: the positions of waiting jobs in their lanes, and whether a
// live worker serves jobs that need one.
func (en *Engine) Locate(ctx context.Context, records []jobs.Record) error {
	var waiting, idle []*jobs.Record
	for i := range records {
		r := &records[i]
		if r.State == jobs.StateWaiting {
			waiting = append(waiting, r)
		}
		if !r.State.Final() && r.State != jobs.StateRunning {
			idle = append(idle, r)
		}
	}
	if err := en.Lanes.position(ctx, waiting); err != nil {
		return err
	}
	if len(idle) == 0 {
		return nil
	}
	workers, err := en.Workers(ctx)
	if err != nil {
		return err
	}
	for _, r := range idle {
		r.Unserved = !jobs.Serves(workers, r.Database, r.Kind)
	}
	return nil
}

// position sets the positions of waiting jobs in their lanes: how many are before each, and the one directly before
// it. Jobs that no longer wait stay unchanged.
func (l Lanes) position(ctx context.Context, waiting []*jobs.Record) error {
	if len(waiting) == 0 {
		return nil
	}
	first := l.rdb.Pipeline()
	positions := make([]*redis.IntCmd, len(waiting))
	holders := make(map[string]*redis.StringCmd)
	for i, r := range waiting {
		lane := r.Lane()
		keys := LaneKeys(lane)
		positions[i] = first.LPos(ctx, keys[0], r.ID, redis.LPosArgs{Rank: -1}) // from the end: the newest are requested most often
		if holders[lane] == nil {
			holders[lane] = first.HGet(ctx, keys[1], "job")
		}
	}
	if err := send(ctx, first); err != nil {
		return fmt.Errorf("find the positions of jobs: %w", err)
	}
	second := l.rdb.Pipeline()
	before := make(map[*jobs.Record]*redis.StringCmd)
	for i, r := range waiting {
		if positions[i].Err() != nil {
			continue
		}
		r.Position = int(positions[i].Val())
		r.Behind = holders[r.Lane()].Val()
		if r.Position > 0 {
			before[r] = second.LIndex(ctx, LaneKeys(r.Lane())[0], int64(r.Position-1))
		}
		if r.Behind != "" {
			r.Position++
		}
	}
	if err := send(ctx, second); err != nil {
		return fmt.Errorf("find the positions of jobs: %w", err)
	}
	for r, cmd := range before {
		if r.Behind = cmd.Val(); r.Behind == r.ID { // the lane has moved on
			r.Behind = ""
		}
	}
	return nil
}

// send sends the commands of a pipeline. Missing keys are not errors.
func send(ctx context.Context, pipe redis.Pipeliner) error {
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	return nil
}

// Describe returns information about lanes, in their order.
func (l Lanes) Describe(ctx context.Context, names []string) ([]jobs.LaneInfo, error) {
	pipe := l.rdb.Pipeline()
	holders := make([]*redis.MapStringStringCmd, len(names))
	waiting, aside := make([]*redis.IntCmd, len(names)), make([]*redis.IntCmd, len(names))
	next := make([]*redis.ZSliceCmd, len(names))
	for i, name := range names {
		keys := LaneKeys(name)
		waiting[i], holders[i] = pipe.LLen(ctx, keys[0]), pipe.HGetAll(ctx, keys[1])
		aside[i], next[i] = pipe.ZCard(ctx, keys[2]), pipe.ZRangeWithScores(ctx, keys[2], 0, 0)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	infos := make([]jobs.LaneInfo, len(names))
	var failed error
	for i, name := range names {
		h := holders[i].Val()
		p := field.Parser{Fields: h}
		infos[i] = jobs.LaneInfo{
			Database: name, Holder: h["job"], Worker: h["worker"], Since: p.Time("since"),
			Waiting: int(waiting[i].Val()), Aside: int(aside[i].Val()),
		}
		switch {
		case h["worker"] != "":
			infos[i].State = jobs.StateRunning
		case h["job"] != "":
			infos[i].State = jobs.StateQueued
		}
		for _, z := range next[i].Val() {
			infos[i].NextAt = time.UnixMilli(int64(z.Score)).UTC()
		}
		if p.Err != nil {
			failed = errors.Join(failed, fmt.Errorf("lane %s: %w", name, p.Err))
		}
	}
	return infos, failed
}
