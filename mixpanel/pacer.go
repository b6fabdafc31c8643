package mixpanel

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// requestSpacing keeps requests below the 3 per second and project that Mixpanel's documentation of the raw export API
// allows, with a margin for requests that catch up with each other on the way.
const requestSpacing = 400 * time.Millisecond

// lexiconSpacing keeps requests below the 5 per minute that Mixpanel's documentation of its rate limits allows.
const lexiconSpacing = 12500 * time.Millisecond

// pacer spaces the requests to each project. It is safe for concurrent use.
type pacer struct {
	every    time.Duration
	mu       sync.Mutex
	projects map[int64]*rate.Limiter
}

// enter calls wait; leave does nothing.
func (p *pacer) enter(ctx context.Context, project int64) (leave func(), err error) {
	return func() {}, p.wait(ctx, project)
}

// wait returns when the next request of the project may be sent, or the cause with which ctx ended.
func (p *pacer) wait(ctx context.Context, project int64) error {
	if err := p.limiter(project).Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return context.DeadlineExceeded // ctx ends before the request's turn
	}
	return nil
}

func (p *pacer) limiter(project int64) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.projects[project]
	if !ok {
		if p.projects == nil {
			p.projects = make(map[int64]*rate.Limiter)
		}
		l = rate.NewLimiter(rate.Every(p.every), 1)
		p.projects[project] = l
	}
	return l
}
