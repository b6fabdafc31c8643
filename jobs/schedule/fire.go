package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/field"
	"mixduck/jobs/internal/lanes"
)

const (
	ticksKept    = 100 // per schedule
	windowsExtra = 12  // for a tick's job, in addition to its lookback; and for a piece
)

// Fire handles a tick of a schedule. It returns the outcome and the job that it made. It handles each tick once,
// however many workers call it and wherever they are interrupted: later callers get "" and no job. Now is the
// [queue.Queue.Time]. A schedule that has changed since s was read does not fire.
func (st *Store) Fire(ctx context.Context, s State, tick, now time.Time) (TickOutcome, jobs.Record, error) {
	outcome := TickOutcome("")
	ticks, err := s.Ticks()
	if err != nil {
		return "", jobs.Record{}, err
	}
	days, ok, err := s.Days(s.CreatedAt, now)
	switch {
	case err != nil:
		return "", jobs.Record{}, err
	case now.Sub(s.FiresAt(ticks, tick)) > s.CatchUp:
		outcome = TickMissed
	case !ok:
		outcome = TickEmpty
	}
	return st.fire(ctx, s, days, firing{tick: tick, now: now, outcome: outcome})
}

// Run makes a job of a schedule now, as a tick would, even if others run or the schedule is paused. It returns
// [ErrNoSchedule], and an error with [fault.CodeUsage] if there is no day to fetch yet.
func (st *Store) Run(ctx context.Context, name string) (jobs.Record, error) {
	now, err := st.e.Time(ctx)
	if err != nil {
		return jobs.Record{}, err
	}
	s, err := st.Get(ctx, name, now)
	if err != nil {
		return jobs.Record{}, err
	}
	days, ok, err := s.Days(s.CreatedAt, now)
	if err != nil {
		return jobs.Record{}, err
	}
	if !ok {
		return jobs.Record{}, fault.Usage("wait until a day has ended, or include today", "schedule %s has no day to fetch before %s", name, days.From)
	}
	outcome, rec, err := st.fire(ctx, s, days, firing{now: now})
	if err == nil && outcome != TickJob {
		err = fault.New(fault.CodeFailed, "ask again", "schedule %s was being changed", name)
	}
	return rec, err
}

// firing is one run of a schedule.
type firing struct {
	tick    time.Time // zero if requested by a person
	now     time.Time
	outcome TickOutcome // if already decided
}

// fire creates a job for the due days and puts it in its lane.
func (st *Store) fire(ctx context.Context, s State, days day.Range, f firing) (TickOutcome, jobs.Record, error) {
	request := jobs.Request{
		Kind: jobs.KindFetch, Fetch: s.Fetch(days, jobs.Due{Lookback: s.Lookback, MaxWindows: s.Lookback + windowsExtra}),
		Priority: s.Priority, MaxAttempts: s.MaxAttempts,
	}
	rec, err := st.e.NewRecord(request, f.now)
	if err != nil {
		return "", jobs.Record{}, err
	}
	rec.Schedule, rec.Tick = s.Name, f.tick
	made, err := lanes.Creation(rec)
	if err != nil {
		return "", jobs.Record{}, err
	}
	keys := []string{scheduleKey(s.Name), historyKey(s.Name), lanes.RecordKey(rec.ID), lanes.ArrivingKey}
	args := append([]any{s.version, field.Millis(f.tick), string(f.outcome), string(s.Overlap), field.Millis(f.now), ticksKept}, made...)
	var answer string
	err = lanes.Insist(ctx, func() error {
		answer, err = st.scripts.fire.Run(ctx, st.e.Redis, keys, args...).Text()
		return err
	})
	switch {
	case err != nil:
		return "", jobs.Record{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	case answer == "known" || answer == "stale":
		return "", jobs.Record{}, nil
	case answer != string(TickJob):
		return TickOutcome(answer), jobs.Record{}, nil
	}
	return TickJob, st.arrive(ctx, rec), nil
}

// arrive puts a new job of a schedule in its lane, and returns its record. After an error, [Store.Arrivals] completes
// the step.
func (st *Store) arrive(ctx context.Context, rec jobs.Record) jobs.Record {
	next, err := st.e.Enter(ctx, rec, lanes.Rule{})
	if err != nil {
		return rec
	}
	rec = st.e.Added(ctx, rec, next)
	st.e.Redis.SRem(ctx, lanes.ArrivingKey, rec.ID)
	return rec
}

// Arrivals puts jobs of schedules in their lanes if the process that made them died or lost Redis before it could.
func (st *Store) Arrivals(ctx context.Context) error {
	ids, err := st.e.Redis.SMembers(ctx, lanes.ArrivingKey).Result()
	if err != nil {
		return fmt.Errorf("find jobs of schedules: %w", err)
	}
	entries, err := st.e.Records.LoadAll(ctx, ids)
	if err != nil {
		return err
	}
	var failed error
	for i, e := range entries {
		if e != nil && e.State == jobs.StateWaiting {
			next, err := st.e.Enter(ctx, e.Record, lanes.Rule{}) // does nothing to a job that is already there
			if err == nil {
				err = st.e.Dispatch(ctx, next)
			}
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
		}
		failed = errors.Join(failed, st.e.Redis.SRem(ctx, lanes.ArrivingKey, ids[i]).Err())
	}
	return failed
}

// FollowUp makes the next piece of a schedule if its last job or last piece is done and has left days to another.
// Pieces have low priority, use only spare requests of the budget, and run one at a time. After a piece that failed or
// stored nothing, the next one comes only after another tick. Now is the [queue.Queue.Time]. It returns the new job,
// if any.
func (st *Store) FollowUp(ctx context.Context, s State, now time.Time) (*jobs.Record, error) {
	if s.follow == "" || s.Paused || s.Disabled {
		return nil, nil //nolint:nilnil // documented: none is no error
	}
	before, err := st.e.Records.Load(ctx, s.follow)
	if err != nil || before != nil && !before.State.Final() {
		return nil, err
	}
	keys, args := []string{scheduleKey(s.Name), lanes.RecordKey(""), lanes.ArrivingKey}, []any{s.version, s.follow, lanes.RecordPrefix}
	var piece jobs.Record
	if before != nil && leavesWork(before.Record) {
		f := before.Fetch.EventsPart() // only days of events are left
		f.Due, f.Spare = &jobs.Due{MaxWindows: windowsExtra}, true
		request := jobs.Request{Kind: jobs.KindFetch, Fetch: f, Priority: jobs.PriorityLow, MaxAttempts: before.MaxAttempts}
		if piece, err = st.e.NewRecord(request, now); err != nil {
			return nil, err
		}
		piece.Schedule, piece.Tick, piece.Piece = s.Name, before.Tick, before.Piece+1
		made, err := lanes.Creation(piece)
		if err != nil {
			return nil, err
		}
		keys[1], args = lanes.RecordKey(piece.ID), append(args, made...)
	}
	answer, err := st.scripts.piece.Run(ctx, st.e.Redis, keys, args...).Text()
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if answer != "job" {
		return nil, nil //nolint:nilnil // documented: none is no error
	}
	piece = st.arrive(ctx, piece)
	return &piece, nil
}

// leavesWork reports whether a piece can follow a job.
func leavesWork(r jobs.Record) bool {
	return r.State == jobs.StateDone && r.Progress.DaysLeft > 0 && (r.Piece == 0 || r.Progress.WindowsDone > 0)
}

// Rewind corrects a schedule whose creation, or the time from which its ticks count, lies in the future: the clock was
// wrong and has been set back. Now is the [queue.Queue.Time].
func (st *Store) Rewind(ctx context.Context, s State, now time.Time) error {
	if err := st.scripts.rewind.Run(ctx, st.e.Redis, []string{scheduleKey(s.Name)}, s.version, field.Millis(now)).Err(); err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return nil
}
