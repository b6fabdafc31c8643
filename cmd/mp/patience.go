package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"mixduck/workspace"
)

const (
	longestWait = time.Minute // the longest wait within a fetch when Mixpanel asks for one
	mostWaits   = 30          // consecutive, without success in between
)

// patience waits when Mixpanel asks for it.
type patience struct {
	*app
	waits int // since the last success
}

// wait prints a message and waits until a pause is over. It returns the pause if it is too long or comes too often.
func (p *patience) wait(ctx context.Context, pause *workspace.PauseError) error {
	wait := pause.Until.Sub(p.Now())
	if p.waits++; wait > longestWait || p.waits > mostWaits {
		return pause
	}
	fmt.Fprintf(p.Process.Stderr, "Mixpanel asks to wait: continuing in %s\n", max(wait, 0).Round(time.Second))
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fetchPatiently fetches, and continues where it stopped if Mixpanel asks for a short wait.
func (a *app) fetchPatiently(
	ctx context.Context, w *workspace.Workspace, r workspace.FetchRequest, report func(workspace.Progress),
) (workspace.Progress, error) {
	return a.patiently(ctx, func(ctx context.Context, job string) (workspace.Progress, error) {
		if r.Job == "" {
			r.Job = job
		}
		return w.FetchEvents(ctx, r, report)
	})
}

// patiently runs attempts of one job, which skip committed work, until none needs a short wait.
func (a *app) patiently(ctx context.Context, attempt func(ctx context.Context, job string) (workspace.Progress, error)) (workspace.Progress, error) {
	job, patient, done := rand.Text(), patience{app: a}, 0
	for {
		p, err := attempt(ctx, job)
		pause, ok := errors.AsType[*workspace.PauseError](err)
		if !ok {
			return p, err
		}
		if p.WindowsDone > done {
			patient.waits, done = 0, p.WindowsDone
		}
		if ended := patient.wait(ctx, pause); ended != nil {
			if ctx.Err() != nil {
				err = ended
			}
			return p, err
		}
	}
}
