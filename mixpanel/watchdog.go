package mixpanel

import (
	"context"
	"errors"
	"time"
)

// errSilent is the cause with which a watchdog ends a request.
var errSilent = errors.New("the server sends no data")

// watchdog ends a request whose server stays silent for too long. It watches only between wait and calm.
type watchdog struct {
	timer *time.Timer
	end   context.CancelCauseFunc
	cause func() error // why the request's context ended; nil while it has not
}

// newWatchdog returns a watchdog that is not watching yet, and the context of the request that it ends.
func newWatchdog(ctx context.Context) (context.Context, *watchdog) {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(time.Hour, func() { end(errSilent) })
	timer.Stop()
	return ctx, &watchdog{timer: timer, end: end, cause: func() error { return context.Cause(ctx) }}
}

// wait gives the server d to say something.
func (w *watchdog) wait(d time.Duration) { w.timer.Reset(d) }

// calm stops watching, for as long as it is not the server's turn.
func (w *watchdog) calm() { w.timer.Stop() }

// release ends the request's context for good, with cause if nothing ended it before.
func (w *watchdog) release(cause error) {
	w.timer.Stop()
	w.end(cause)
}
