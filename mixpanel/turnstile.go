package mixpanel

import (
	"context"
	"sync"
)

// queriesAtOnce is the number of concurrent calls of the Query API per project that Mixpanel's documentation of its
// rate limits allows.
const queriesAtOnce = 5

// turnstile limits the number of concurrent calls per project. The zero value is ready; it is safe for concurrent use.
type turnstile struct {
	mu       sync.Mutex
	projects map[int64]chan struct{} // running calls
}

// enter waits for a free place, or returns the cause with which ctx ended. The caller must call leave at the end of
// its call; more than once does no harm.
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
