package page

import (
	"context"
	"sync"
	"time"
)

// attender keeps queries alive; [queue.Queue] is one.
type attender interface {
	Attend(ctx context.Context, id string)
}

// visits keeps queries alive for a moment after somebody has looked at them.
type visits struct {
	mu      sync.Mutex
	all     map[string]*visit // by job
	closed  bool
	running sync.WaitGroup
}

// visit is the time after a look at a query.
type visit struct {
	end  *time.Timer
	stop context.CancelFunc
}

// extend keeps a query alive for visitLasts from now.
func (v *visits) extend(q attender, id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	if one, ok := v.all[id]; ok && one.end.Reset(visitLasts) {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	one := &visit{end: time.AfterFunc(visitLasts, stop), stop: stop}
	if v.all == nil {
		v.all = map[string]*visit{}
	}
	v.all[id] = one
	v.running.Go(func() {
		q.Attend(ctx, id)
		stop()
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.all[id] == one {
			delete(v.all, id)
		}
	})
}

// close ends all visits.
func (v *visits) close() {
	v.mu.Lock()
	v.closed = true
	for _, one := range v.all {
		one.stop()
	}
	v.mu.Unlock()
	v.running.Wait()
}
