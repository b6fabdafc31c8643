// Package schedule makes jobs of schedules when they are due. It knows when that is; what a job does, and that each tick
// makes one however many workers there are, it leaves to [queue.Queue].
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mixduck/jobs/queue"
)

// Every is how often a [Runner] looks for what is due.
const Every = time.Second

const (
	tidyEvery = time.Minute // how often it looks for what workers have left that do not come back
	steadyFor = time.Minute // for so long Redis must have answered before: after an outage all workers seem to be away
)

// Runner fires schedules. Each worker has one, and none of them leads: all see the same ticks by the clock of Redis, and
// whoever comes first fires one.
type Runner struct {
	Queue  *queue.Queue
	Log    *slog.Logger
	Worker string // its id
}

// Run looks for due ticks until ctx is done. While Redis cannot be reached it goes on trying, and logs that once.
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
		case ctx.Err() == nil && !troubled: // texts of one trouble differ, in ports for one
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

// tidy removes what workers have left that do not come back.
func (r *Runner) tidy(ctx context.Context) error {
	now, err := r.Queue.Time(ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.store().Tidy(ctx, r.Worker, now), r.Queue.TidyProjects(ctx, r.Worker))
}

// Step does what is due: it brings jobs into their lanes that were cut off on the way, fires the latest tick of each schedule
// and makes pieces of what is left of earlier ones. An error of one schedule does not hold up others.
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

// tend does what is due of a schedule.
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

// due returns the tick that is due: of those since the last that was dealt with the latest whose time has come. Earlier ones
// are part of it, as its job asks for all days that are due.
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
	if !tick.IsZero() && s.FiresAt(ticks, tick).After(now) { // it waits for its jitter; that of the one before is over
		tick = ticks.Latest(after, tick.Add(-time.Second))
	}
	return tick, !tick.IsZero(), nil
}
