package mixpanel

import (
	"context"
	"errors"
	"time"
)

// errSilent is the cause with which a watchdog ends a request.
var errSilent = errors.New("the server sends no data")

// watchdog ends a request if its server sends nothing for too long. It watches only between wait and calm.
type watchdog struct {
	timer *time.Timer
	end   context.CancelCauseFunc
	cause func() error // why the request's context ended; nil before that
}

// newWatchdog returns a watchdog that is not watching yet, and the context of the request that it will end.
func newWatchdog(ctx context.Context) (context.Context, *watchdog) {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(time.Hour, func() { end(errSilent) })
	timer.Stop()
	return ctx, &watchdog{timer: timer, end: end, cause: func() error { return context.Cause(ctx) }}
}

// wait gives the server time d to send something.
func (w *watchdog) wait(d time.Duration) { w.timer.Reset(d) }

// calm stops watching while no data is expected from the server.
func (w *watchdog) calm() { w.timer.Stop() }

// release ends the request's context, with cause if nothing has ended it before.
func (w *watchdog) release(cause error) {
	w.timer.Stop()
	w.end(cause)
}
