package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"mixduck/workspace"
)

// longestWait is how long a fetch waits in place when Mixpanel asks it to.
const longestWait = time.Minute

// fetchPatiently fetches, and goes on where it stopped if Mixpanel asks for a short wait.
func (a *app) fetchPatiently(
	ctx context.Context, w *workspace.Workspace, r workspace.FetchRequest, report func(workspace.Progress),
) (workspace.Progress, error) {
	if r.Job == "" {
		r.Job = rand.Text() // attempts of one job skip the days that are committed
	}
	for {
		p, err := w.FetchEvents(ctx, r, report)
		pause, ok := errors.AsType[*workspace.PauseError](err)
		if !ok {
			return p, err
		}
		wait := pause.Until.Sub(a.Now())
		if wait > longestWait {
			return p, err
		}
		fmt.Fprintf(a.Process.Stderr, "Mixpanel asks to wait: continuing in %s\n", max(wait, 0).Round(time.Second))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return p, context.Cause(ctx)
		}
	}
}
