package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// place fills in what records do not hold: where waiting jobs stand in line, and whether a worker lives for those that
// want one.
func (q *Queue) place(ctx context.Context, records []Record) error {
	var waiting, idle []*Record
	for i := range records {
		r := &records[i]
		if r.State == StateWaiting {
			waiting = append(waiting, r)
		}
		if !r.State.Final() && r.State != StateRunning {
			idle = append(idle, r)
		}
	}
	if err := q.lanes.position(ctx, waiting); err != nil {
		return err
	}
	if len(idle) == 0 {
		return nil
	}
	workers, err := q.Workers(ctx)
	if err != nil {
		return err
	}
	served := Volumes(workers)
	for _, r := range idle {
		r.Unserved = !slices.Contains(served, volumeOf(r.Database))
	}
	return nil
}

// position fills in where jobs that wait stand in their lanes: how many are before each, and the one right before it.
// Those that do not wait any more stay as they are.
func (l lanes) position(ctx context.Context, waiting []*Record) error {
	if len(waiting) == 0 {
		return nil
	}
	first := l.rdb.Pipeline()
	places := make([]*redis.IntCmd, len(waiting))
	holders := make(map[string]*redis.StringCmd)
	for i, r := range waiting {
		lane := r.lane()
		keys := laneKeys(lane)
		places[i] = first.LPos(ctx, keys[0], r.ID, redis.LPosArgs{Rank: -1}) // from the end: the newest are asked for most
		if holders[lane] == nil {
			holders[lane] = first.HGet(ctx, keys[1], "job")
		}
	}
	if err := send(ctx, first); err != nil {
		return fmt.Errorf("find places in line: %w", err)
	}
	second := l.rdb.Pipeline()
	before := make(map[*Record]*redis.StringCmd)
	for i, r := range waiting {
		if places[i].Err() != nil {
			continue
		}
		r.Position = int(places[i].Val())
		r.Behind = holders[r.lane()].Val()
		if r.Position > 0 {
			before[r] = second.LIndex(ctx, laneKeys(r.lane())[0], int64(r.Position-1))
		}
		if r.Behind != "" {
			r.Position++
		}
	}
	if err := send(ctx, second); err != nil {
		return fmt.Errorf("find places in line: %w", err)
	}
	for r, cmd := range before {
		if r.Behind = cmd.Val(); r.Behind == r.ID { // the line has moved on
			r.Behind = ""
		}
	}
	return nil
}

// send sends the commands of a pipeline. That something is not there is no error.
func send(ctx context.Context, pipe redis.Pipeliner) error {
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	return nil
}
