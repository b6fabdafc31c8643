package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// LaneInfo describes a lane that has jobs.
type LaneInfo struct {
	Database string
	Holder   string    // the job whose turn it is; "" if all are aside, or for a moment between two
	State    State     // of the holder: queued or running; "" if there is none
	Since    time.Time // since when the holder is in that state; zero if there is none
	Worker   string    // that runs the holder; "" before
	Waiting  int       // jobs in line behind the holder
	Aside    int       // jobs that are paused or retrying, which hold nobody up
	NextAt   time.Time // when the first of those stands first again; zero if there is none
	Unserved bool      // no worker lives that serves the volume
}

// Lanes returns the lanes of databases that have jobs, by database. It is a picture of one lane after the other, not of a moment.
func (q *Queue) Lanes(ctx context.Context) ([]LaneInfo, error) {
	names, err := q.rdb.ZRange(ctx, lanesKey, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	workers, err := q.Workers(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(lane string) bool { return strings.HasPrefix(lane, readLane) })
	slices.Sort(names)
	served := Volumes(workers)
	var found []LaneInfo
	for page := range slices.Chunk(names, listPage) {
		infos, err := q.lanes.describe(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, i := range infos {
			if i.Holder == "" && i.Waiting == 0 && i.Aside == 0 {
				continue // the sweep has not seen yet that it is empty
			}
			i.Unserved = !slices.Contains(served, volumeOf(i.Database))
			found = append(found, i)
		}
	}
	return found, nil
}

// describe returns what there is to know of lanes, in their order.
func (l lanes) describe(ctx context.Context, names []string) ([]LaneInfo, error) {
	pipe := l.rdb.Pipeline()
	holders := make([]*redis.MapStringStringCmd, len(names))
	waiting, aside := make([]*redis.IntCmd, len(names)), make([]*redis.IntCmd, len(names))
	next := make([]*redis.ZSliceCmd, len(names))
	for i, name := range names {
		keys := laneKeys(name)
		waiting[i], holders[i] = pipe.LLen(ctx, keys[0]), pipe.HGetAll(ctx, keys[1])
		aside[i], next[i] = pipe.ZCard(ctx, keys[2]), pipe.ZRangeWithScores(ctx, keys[2], 0, 0)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	infos := make([]LaneInfo, len(names))
	var failed error
	for i, name := range names {
		h := holders[i].Val()
		p := parser{fields: h}
		infos[i] = LaneInfo{
			Database: name, Holder: h["job"], Worker: h["worker"], Since: p.time("since"),
			Waiting: int(waiting[i].Val()), Aside: int(aside[i].Val()),
		}
		switch {
		case h["worker"] != "":
			infos[i].State = StateRunning
		case h["job"] != "":
			infos[i].State = StateQueued
		}
		for _, z := range next[i].Val() {
			infos[i].NextAt = time.UnixMilli(int64(z.Score)).UTC()
		}
		if p.err != nil {
			failed = errors.Join(failed, fmt.Errorf("lane %s: %w", name, p.err))
		}
	}
	return infos, failed
}
