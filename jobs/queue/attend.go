package queue

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/lanes"
)

const (
	attendEvery = time.Second
)

// Attend says that somebody waits for a query, until ctx is done.
func (q *Queue) Attend(ctx context.Context, id string) {
	channel, word := q.subscribe(ctx, id)
	defer channel.Close()
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		_ = q.e.Attend(ctx, id, word) // who waits will see himself that Redis is away
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
	channel = q.e.Redis.Subscribe(ctx, lanes.WaiterKey(id))
	if _, err := channel.ReceiveTimeout(ctx, attendEvery); err != nil {
		return channel, lanes.SayWaiting
	}
	channel.Channel() // reads on, and subscribes anew; nobody sends anything
	return channel, lanes.SaySubscribed
}
