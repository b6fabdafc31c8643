package schedule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// absenceLasts is how long the schedules of a dead worker's file continue. The worker may come back.
const absenceLasts = 7 * 24 * time.Hour

// siblingLasts is how long they continue if another worker uses the same data directory now, because that one has
// published the same file.
const siblingLasts = time.Minute

// Tidy removes schedules that are only in the files of workers that have been absent for a week, or for a minute if
// they used the data directory of me. A worker's absence begins when Tidy first misses it, so each worker must call
// Tidy regularly. Call it only after Redis has answered for a while: after an outage all workers seem absent. Now is
// the [queue.Queue.Time].
func (st *Store) Tidy(ctx context.Context, me string, now time.Time) error {
	files, err := st.filesOfAbsent(ctx, now, me)
	if err != nil {
		return err
	}
	directory := directoryOf(me)
	for worker, names := range files {
		since, err := st.absentSince(ctx, worker, now)
		if err != nil {
			return err
		}
		lasts := absenceLasts
		if directory != "" && directoryOf(worker) == directory {
			lasts = siblingLasts
		}
		if now.Sub(since) > lasts {
			if err := st.dropFile(ctx, worker, names); err != nil {
				return err
			}
		}
	}
	return st.welcomeBack(ctx, files)
}

// directoryOf returns the common part of the IDs of all workers of one data directory, or "" if the ID has none.
func directoryOf(worker string) string {
	return worker[:max(0, strings.LastIndexByte(worker, '-'))]
}

// filesOfAbsent returns the names of the schedules of each worker that is not alive and is not me.
func (st *Store) filesOfAbsent(ctx context.Context, now time.Time, me string) (map[string][]string, error) {
	all, err := st.List(ctx, now)
	if err != nil {
		return nil, err
	}
	living, err := st.e.Workers(ctx)
	if err != nil {
		return nil, err
	}
	files := map[string][]string{}
	for _, s := range all {
		for _, worker := range s.Files {
			if worker != me && !slices.ContainsFunc(living, func(i jobs.WorkerInfo) bool { return i.ID == worker }) {
				files[worker] = append(files[worker], s.Name)
			}
		}
	}
	return files, nil
}

// absentSince returns when an absent worker was first missed.
func (st *Store) absentSince(ctx context.Context, worker string, now time.Time) (time.Time, error) {
	err := st.e.Redis.HSetNX(ctx, lanes.AbsentKey, worker, now.UnixMilli()).Err()
	var ms int64
	if err == nil {
		ms, err = st.e.Redis.HGet(ctx, lanes.AbsentKey, worker).Int64()
	}
	if err != nil {
		return now, fmt.Errorf("absence of worker %s: %w", worker, err)
	}
	return time.UnixMilli(ms), nil
}

// welcomeBack forgets the absence of all workers that are not in absent.
func (st *Store) welcomeBack(ctx context.Context, absent map[string][]string) error {
	noted, err := st.e.Redis.HKeys(ctx, lanes.AbsentKey).Result()
	if err != nil {
		return fmt.Errorf("absent workers: %w", err)
	}
	for _, worker := range noted {
		if _, ok := absent[worker]; ok {
			continue
		}
		if err := st.e.Redis.HDel(ctx, lanes.AbsentKey, worker).Err(); err != nil {
			return fmt.Errorf("absence of worker %s: %w", worker, err)
		}
	}
	return nil
}

func (st *Store) dropFile(ctx context.Context, worker string, names []string) error {
	for _, name := range names {
		if err := st.drop(ctx, name, fileOrigin(worker)); err != nil {
			return err
		}
	}
	return nil
}
