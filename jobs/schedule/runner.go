// Package schedule makes jobs of schedules when they are due. It knows when that is. The jobs themselves belong to
// [queue.Queue], which also ensures that each tick makes one job for any number of workers.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
// others.
func (r *Runner) Step(ctx context.Context) error {
	now, err := r.Queue.Time(ctx)
	if err != nil {
		return err
	}
	failed := r.store().Arrivals(ctx)
	all, err := r.store().List(ctx, now)
	failed = errors.Join(failed, err)
	for _, s := range all {
		if s.Paused || s.Disabled {
			continue
		}
		if err := r.tend(ctx, s, now); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// tend does what is due for a schedule.
func (r *Runner) tend(ctx context.Context, s State, now time.Time) error {
	if s.Since.After(now) || s.CreatedAt.After(now) {
		return r.store().Rewind(ctx, s, now)
	}
	piece, err := r.store().FollowUp(ctx, s, now)
	if err != nil {
		return err
	}
	if piece != nil {
		r.log(s).Info("schedule goes on with older days", slog.String("job_id", piece.ID), slog.Int("piece", piece.Piece))
	}
	tick, ok, err := due(s, now)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if !ok {
		return nil
	}
	outcome, job, err := r.store().Fire(ctx, s, tick, now)
	if err != nil {
		return err
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
	return nil
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
	after := s.Since
	if s.LastTick.After(after) {
		after = s.LastTick
	}
	tick = ticks.Latest(after, now)
	if !tick.IsZero() && s.FiresAt(ticks, tick).After(now) { // still waits for its jitter; the previous one's is over
		tick = ticks.Latest(after, tick.Add(-time.Second))
	}
	return tick, !tick.IsZero(), nil
}
