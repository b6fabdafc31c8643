package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// absenceLasts is for how long schedules of the file of a worker go on that lives no more: it may come back.
const absenceLasts = 7 * 24 * time.Hour

// siblingLasts is for how long those of a worker go on that has left the data directory of another one: that one has
// published the same file.
const siblingLasts = time.Minute

// TidySchedules removes schedules that are only in the files of workers which have been away for a week, or for a minute if
// they used the data directory of me. Each worker is to call it now and then, as a worker counts as away since it was first
// missed here; but only once Redis has answered for a while, because after an outage all workers seem to be away. Now is
// the [Queue.Time].
func (q *Queue) TidySchedules(ctx context.Context, me string, now time.Time) error {
	files, err := q.filesOfAbsent(ctx, now, me)
	if err != nil {
		return err
	}
	directory := directoryOf(me)
	for worker, names := range files {
		since, err := q.absentSince(ctx, worker, now)
		if err != nil {
			return err
		}
		lasts := absenceLasts
		if directory != "" && directoryOf(worker) == directory {
			lasts = siblingLasts
		}
		if now.Sub(since) > lasts {
			if err := q.dropFile(ctx, worker, names); err != nil {
				return err
			}
		}
	}
	return q.welcomeBack(ctx, files)
}

// directoryOf returns what the ids of workers at one data directory have in common, "" for an id that tells none.
func directoryOf(worker string) string {
	return worker[:max(0, strings.LastIndexByte(worker, '-'))]
}

// filesOfAbsent returns the names of the schedules of each worker that does not live and is not me.
func (q *Queue) filesOfAbsent(ctx context.Context, now time.Time, me string) (map[string][]string, error) {
	all, err := q.Schedules(ctx, now)
	if err != nil {
		return nil, err
	}
	living, err := q.Workers(ctx)
	if err != nil {
		return nil, err
	}
	files := map[string][]string{}
	for _, s := range all {
		for _, worker := range s.Files {
			if worker != me && !slices.ContainsFunc(living, func(i WorkerInfo) bool { return i.ID == worker }) {
				files[worker] = append(files[worker], s.Name)
			}
		}
	}
	return files, nil
}

// absentSince returns when a worker that is absent now was first missed.
func (q *Queue) absentSince(ctx context.Context, worker string, now time.Time) (time.Time, error) {
	err := q.rdb.HSetNX(ctx, absentKey, worker, now.UnixMilli()).Err()
	var ms int64
	if err == nil {
		ms, err = q.rdb.HGet(ctx, absentKey, worker).Int64()
	}
	if err != nil {
		return now, fmt.Errorf("absence of worker %s: %w", worker, err)
	}
	return time.UnixMilli(ms), nil
}

// welcomeBack forgets the absence of all workers but those that are absent.
func (q *Queue) welcomeBack(ctx context.Context, absent map[string][]string) error {
	noted, err := q.rdb.HKeys(ctx, absentKey).Result()
	if err != nil {
		return fmt.Errorf("absent workers: %w", err)
	}
	for _, worker := range noted {
		if _, ok := absent[worker]; ok {
			continue
		}
		if err := q.rdb.HDel(ctx, absentKey, worker).Err(); err != nil {
			return fmt.Errorf("absence of worker %s: %w", worker, err)
		}
	}
	return nil
}

func (q *Queue) dropFile(ctx context.Context, worker string, names []string) error {
	for _, name := range names {
		if err := q.dropSchedule(ctx, name, fileOrigin(worker)); err != nil {
			return err
		}
	}
	return nil
}
