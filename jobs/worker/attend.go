package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/lanes"
)

const (
	attendLooks = 3 // consecutive checks without the client's subscription

)

// attendance tracks whether somebody waits for a query.
type attendance struct{ missed int }

// forsaken reports whether nobody waits for a query any more: the client's marker has expired, or its subscription has
// been missing for longer than a reconnect takes.
func (a *attendance) forsaken(ctx context.Context, e *lanes.Engine, id string) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, lanes.CallTimeout)
	defer stop()
	missed := a.missed
	a.missed = 0
	word, err := e.Redis.Get(ctx, lanes.WaiterKey(id)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("ask who waits for job %s: %w", id, err)
	case word != lanes.SaySubscribed:
		return false, nil
	}
	subscribers, err := e.Redis.PubSubNumSub(ctx, lanes.WaiterKey(id)).Result()
	if err != nil {
		return false, fmt.Errorf("ask who waits for job %s: %w", id, err)
	}
	if subscribers[lanes.WaiterKey(id)] == 0 {
		a.missed = missed + 1
	}
	return a.missed >= attendLooks, nil
}
