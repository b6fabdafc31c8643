package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	attendEvery = time.Second
	attendLasts = 4 * time.Second // without a word from its asker a query is forsaken
	attendLooks = 3               // in a row that find no subscription of who has one
)

// What an asker says under his key, whose name is that of his channel, too.
const (
	sayWaiting    = "waiting"
	saySubscribed = "subscribed" // as well; Redis drops a subscription as soon as his process dies
)

func waiterKey(id string) string { return recordPrefix + "waiter:" + id }

// Attend says that somebody waits for a query, until ctx is done.
func (q *Queue) Attend(ctx context.Context, id string) {
	channel, word := q.subscribe(ctx, id)
	defer channel.Close()
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		_ = q.attend(ctx, id, word) // who waits will see himself that Redis is away
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// subscribe returns the subscription that shows that the asker is alive, and what Attend writes beside it. The subscription is
// renewed when Redis comes back.
func (q *Queue) subscribe(ctx context.Context, id string) (channel *redis.PubSub, word string) {
	channel = q.rdb.Subscribe(ctx, waiterKey(id))
	if _, err := channel.ReceiveTimeout(ctx, attendEvery); err != nil {
		return channel, sayWaiting
	}
	channel.Channel() // reads on, and subscribes anew; nobody sends anything
	return channel, saySubscribed
}

func (q *Queue) attend(ctx context.Context, id, word string) error {
	if err := q.rdb.Set(ctx, waiterKey(id), word, attendLasts).Err(); err != nil {
		return fmt.Errorf("wait for job %s: %w", id, err)
	}
	return nil
}

// attendance is what a worker sees of who waits for a query.
type attendance struct{ missed int }

// forsaken looks whether nobody attends a query any more: his word has run out, or his subscription is gone for longer
// than it takes to come back.
func (a *attendance) forsaken(ctx context.Context, q *Queue, id string) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	missed := a.missed
	a.missed = 0
	word, err := q.rdb.Get(ctx, waiterKey(id)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("ask who waits for job %s: %w", id, err)
	case word != saySubscribed:
		return false, nil
	}
	subscribers, err := q.rdb.PubSubNumSub(ctx, waiterKey(id)).Result()
	if err != nil {
		return false, fmt.Errorf("ask who waits for job %s: %w", id, err)
	}
	if subscribers[waiterKey(id)] == 0 {
		a.missed = missed + 1
	}
	return a.missed >= attendLooks, nil
}
