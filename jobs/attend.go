package jobs

import (
	"context"
	"fmt"
	"time"
)

const (
	attendEvery = time.Second
	attendLasts = 4 * time.Second // without a word from its asker a query is forsaken
)

func waiterKey(id string) string { return recordPrefix + "waiter:" + id }

// Attend says that somebody waits for a query, until ctx is done.
func (q *Queue) Attend(ctx context.Context, id string) {
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		_ = q.attend(ctx, id) // who waits will see himself that Redis is away
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queue) attend(ctx context.Context, id string) error {
	if err := q.rdb.Set(ctx, waiterKey(id), 1, attendLasts).Err(); err != nil {
		return fmt.Errorf("wait for job %s: %w", id, err)
	}
	return nil
}

// forsaken reports whether nobody attends a query any more.
func (q *Queue) forsaken(ctx context.Context, id string) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	n, err := q.rdb.Exists(ctx, waiterKey(id)).Result()
	if err != nil {
		return false, fmt.Errorf("ask who waits for job %s: %w", id, err)
	}
	return n == 0, nil
}
