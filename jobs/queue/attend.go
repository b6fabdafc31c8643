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

// Attend keeps a query alive: until ctx is done it tells the queue that somebody waits for it.
func (q *Queue) Attend(ctx context.Context, id string) {
	channel, word := q.subscribe(ctx, id)
	defer channel.Close()
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		_ = q.e.Attend(ctx, id, word) // the caller also notices when Redis is unreachable
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// subscribe returns a subscription that shows that the client is alive, and the word that Attend writes in addition.
// The subscription is renewed when Redis comes back.
func (q *Queue) subscribe(ctx context.Context, id string) (channel *redis.PubSub, word string) {
	channel = q.e.Redis.Subscribe(ctx, lanes.WaiterKey(id))
	if _, err := channel.ReceiveTimeout(ctx, attendEvery); err != nil {
		return channel, lanes.SayWaiting
	}
	channel.Channel() // keeps reading and resubscribes; nothing is ever sent
	return channel, lanes.SaySubscribed
}
