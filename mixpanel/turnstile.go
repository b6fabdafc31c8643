package mixpanel

import (
	"context"
	"sync"
)

// queriesAtOnce is how many calls of the Query API Mixpanel's documentation of its rate limits allows a project at once.
const queriesAtOnce = 5

// turnstile bounds the calls for each project that are under way at once. The zero value is ready; it is safe for
// concurrent use.
type turnstile struct {
	mu       sync.Mutex
	projects map[int64]chan struct{} // holds what is under way
}

// enter waits for a place, or returns the cause with which ctx ended. The caller calls leave when its call has ended;
// more than once does no harm.
func (t *turnstile) enter(ctx context.Context, project int64) (leave func(), err error) {
	places := t.places(project)
	select {
	case places <- struct{}{}:
		return sync.OnceFunc(func() { <-places }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (t *turnstile) places(project int64) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	places, ok := t.projects[project]
	if !ok {
		if t.projects == nil {
			t.projects = make(map[int64]chan struct{})
		}
		places = make(chan struct{}, queriesAtOnce)
		t.projects[project] = places
	}
	return places
}
