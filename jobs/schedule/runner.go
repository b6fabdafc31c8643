// Package schedule makes jobs of schedules when they are due. It knows when that is. The jobs themselves belong to
// [queue.Queue], which also ensures that each tick makes one job for any number of workers.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"mixduck/jobs/queue"
)

// Every is how often a [Runner] looks for due ticks.
const Every = time.Second

const (
	tidyEvery = time.Minute // how often it removes what dead workers have left
	steadyFor = time.Minute // how long Redis must have answered before; after an outage all workers seem absent
)

// Runner fires schedules. Each worker has one, and there is no leader: all see the same ticks by the clock of Redis,
// and the first one fires.
type Runner struct {
	Queue  *queue.Queue
	Log    *slog.Logger
	Worker string // the worker's ID

	looked time.Time // by the clock of Redis; zero before the first look
}

// Run looks for due ticks until ctx is done. While Redis is unreachable it keeps trying, and logs this once.
func (r *Runner) Run(ctx context.Context) {
	timer := time.NewTicker(Every)
	defer timer.Stop()
	var steady, tidied time.Time // since when Redis answers; zero while it does not
	troubled := false
	for ctx.Err() == nil {
		err := r.Step(ctx)
		now := time.Now()
		switch {
		case err != nil:
			steady = time.Time{}
		case steady.IsZero():
			steady = now
		case now.Sub(steady) >= steadyFor && now.Sub(tidied) >= tidyEvery:
			tidied = now
			err = r.tidy(ctx)
		}
		switch {
		case err == nil:
			troubled = false
		case ctx.Err() == nil && !troubled: // texts of one problem vary, for example in ports
			troubled = true
			r.Log.Warn("schedules wait", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

func (r *Runner) store() *Store { return NewStore(r.Queue) }

// tidy removes what dead workers have left.
func (r *Runner) tidy(ctx context.Context) error {
	now, err := r.Queue.Time(ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.store().Tidy(ctx, r.Worker, now), r.Queue.TidyProjects(ctx, r.Worker))
}

// Step does everything that is due: it puts jobs in their lanes that were interrupted on the way, fires the latest
// tick of each schedule, and makes pieces for the rest of earlier ones. An error in one schedule does not affect
// others. It is not safe for concurrent use.
func (r *Runner) Step(ctx context.Context) error {
	now, err := r.Queue.Time(ctx)
	if err != nil {
		return err
	}
	all := r.looked.IsZero() || now.Before(r.looked) // then the clock was set back
	mend := all
	if !mend {
		if mend, err = r.store().mendable(ctx); err != nil {
			return err
		}
	}
	if mend {
		if err := r.store().mend(ctx, now, all); err != nil {
			return err
		}
	}
	r.looked = now
	failed := r.store().Arrivals(ctx)
	for ctx.Err() == nil {
		entries, err := r.store().due(ctx, now)
		if err != nil || len(entries) == 0 {
			return errors.Join(failed, err)
		}
		failed = errors.Join(failed, r.tendAll(ctx, entries, now))
		if err := r.store().postpone(ctx, entries); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// tendAtOnce is how many schedules are tended at the same time. Each takes several round trips.
const tendAtOnce = 8

func (r *Runner) tendAll(ctx context.Context, entries []entry, now time.Time) error {
	var group errgroup.Group
	group.SetLimit(tendAtOnce)
	for i := range entries {
		e := &entries[i]
		if e.err != nil || e.state.Name == "" || e.state.Paused || e.state.Disabled {
			continue
		}
		group.Go(func() error {
			e.next, e.err = r.tend(ctx, e.state, now)
			return nil
		})
	}
	_ = group.Wait()
	var failed error
	for i := range entries {
		if e := &entries[i]; e.err != nil {
			e.next = now.Add(lookAgain)
			failed = errors.Join(failed, e.err)
		}
	}
	return failed
}

// tend does what is due for a schedule, and returns when to look at it again.
func (r *Runner) tend(ctx context.Context, s State, now time.Time) (next time.Time, err error) {
	if s.Since.After(now) || s.CreatedAt.After(now) {
		return now.Add(Every), r.store().Rewind(ctx, s, now)
	}
	piece, err := r.store().FollowUp(ctx, s, now)
	if err != nil {
		return now, err
	}
	if piece != nil {
		r.log(s).Info("schedule goes on with older days", slog.String("job_id", piece.ID), slog.Int("piece", piece.Piece))
	}
	tick, ok, err := due(s, now)
	if err != nil {
		return now, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if !ok {
		return nextLook(s, now)
	}
	outcome, err := r.fire(ctx, s, tick, now)
	if err != nil {
		return now, err
	}
	if outcome == "" {
		return now.Add(Every), nil // another worker did, or the schedule has changed
	}
	if outcome == TickJob {
		s.follow = "new"
	}
	s.LastTick = tick
	return nextLook(s, now)
}

// nextLook returns when something can be due for a schedule after now, if nothing happens before.
func nextLook(s State, now time.Time) (time.Time, error) {
	ticks, err := s.Ticks()
	if err != nil {
		return now, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	next := now.Add(lookAtLeast)
	if s.follow != "" {
		next = now.Add(lookAtJob)
	}
	if tick := ticks.Next(s.handled()); !tick.IsZero() {
		if at := s.FiresAt(ticks, tick); at.Before(next) {
			next = at
		}
	}
	if earliest := now.Add(time.Millisecond); next.Before(earliest) {
		return earliest, nil
	}
	return next, nil
}

// fire fires a tick and logs the outcome.
func (r *Runner) fire(ctx context.Context, s State, tick, now time.Time) (TickOutcome, error) {
	outcome, job, err := r.store().Fire(ctx, s, tick, now)
	if err != nil {
		return "", err
	}
	log := r.log(s).With(slog.Time("tick", tick))
	switch outcome {
	case TickJob:
		log.Info("schedule made a job", slog.String("job_id", job.ID), slog.String("range", job.Fetch.Days.String()))
	case TickSkipped:
		log.Warn("schedule skips a tick: the job of the last one has not ended", slog.String("job_id", s.LastJob))
	case TickMissed:
		log.Warn("schedule has missed a tick: no worker ran for too long")
	case TickEmpty:
		log.Info("schedule has no day to fetch yet")
	}
	return outcome, nil
}

func (r *Runner) log(s State) *slog.Logger {
	return r.Log.With(slog.String("schedule", s.Name), slog.String("project", s.Project), slog.String("database", s.Database))
}

// due returns the due tick: the latest one since the last handled tick whose time has come. Earlier ones are part of
// it, because its job fetches all due days.
func due(s State, now time.Time) (tick time.Time, ok bool, err error) {
	ticks, err := s.Ticks()
	if err != nil {
		return time.Time{}, false, err
	}
	after := s.handled()
	tick = ticks.Latest(after, now)
	if !tick.IsZero() && s.FiresAt(ticks, tick).After(now) { // still waits for its jitter; the previous one's is over
		tick = ticks.Latest(after, tick.Add(-time.Second))
	}
	return tick, !tick.IsZero(), nil
}

// handled returns the time up to which ticks have been handled or do not count.
func (s State) handled() time.Time {
	if s.LastTick.After(s.Since) {
		return s.LastTick
	}
	return s.Since
}
