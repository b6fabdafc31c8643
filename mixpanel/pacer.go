package mixpanel

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// requestSpacing keeps requests below the 3 a second that Mixpanel's documentation of the raw export API allows a
// project, with room for requests that catch up with each other on the way.
const requestSpacing = 400 * time.Millisecond

// pacer spaces the requests to each project. The zero value is ready; it is safe for concurrent use.
type pacer struct {
	mu       sync.Mutex
	projects map[int64]*rate.Limiter
}

// wait returns when the next request to the project may be sent, or the cause with which ctx ended.
func (p *pacer) wait(ctx context.Context, project int64) error {
	if err := p.limiter(project).Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return context.DeadlineExceeded // it would end before our turn comes
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
		l = rate.NewLimiter(rate.Every(requestSpacing), 1)
		p.projects[project] = l
	}
	return l
}
