package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

const (
	ticksKept    = 100 // of each schedule
	windowsExtra = 12  // of a tick's job, beside those of its look-back; and of a piece
)

// Fire deals with a tick of a schedule, and returns what became of it, and the job that it made. It does so once, however
// many ask and wherever they are cut off: the next to ask is told "" and no job. Now is the [Queue.Time]. A schedule that
// has changed since s was read does not fire.
func (q *Queue) Fire(ctx context.Context, s ScheduleState, tick, now time.Time) (TickOutcome, Record, error) {
	outcome := TickOutcome("")
	ticks, err := s.Ticks()
	if err != nil {
		return "", Record{}, err
	}
	days, ok, err := s.Days(s.CreatedAt, now)
	switch {
	case err != nil:
		return "", Record{}, err
	case now.Sub(s.FiresAt(ticks, tick)) > s.CatchUp:
		outcome = TickMissed
	case !ok:
		outcome = TickEmpty
	}
	return q.fire(ctx, s, days, firing{tick: tick, now: now, outcome: outcome})
}

// RunSchedule makes a job of a schedule now, as a tick would, whatever else runs and even if it is paused. It returns
// [ErrNoSchedule], and an error with [fault.CodeUsage] if there is no day to fetch yet.
func (q *Queue) RunSchedule(ctx context.Context, name string) (Record, error) {
	now, err := q.Time(ctx)
	if err != nil {
		return Record{}, err
	}
	s, err := q.Schedule(ctx, name, now)
	if err != nil {
		return Record{}, err
	}
	days, ok, err := s.Days(s.CreatedAt, now)
	if err != nil {
		return Record{}, err
	}
	if !ok {
		return Record{}, fault.Usage("wait until a day has ended, or include today", "schedule %s has no day to fetch before %s", name, days.From)
	}
	outcome, rec, err := q.fire(ctx, s, days, firing{now: now})
	if err == nil && outcome != TickJob {
		err = fault.New(fault.CodeFailed, "ask again", "schedule %s was being changed", name)
	}
	return rec, err
}

// firing is one of a schedule.
type firing struct {
	tick    time.Time // zero if a person asks
	now     time.Time
	outcome TickOutcome // if it is decided already
}

// fire writes a job of the days that are due, and brings it into its lane.
func (q *Queue) fire(ctx context.Context, s ScheduleState, days day.Range, f firing) (TickOutcome, Record, error) {
	request := Request{
		Kind: KindFetch, Fetch: s.fetch(days, Due{Lookback: s.Lookback, MaxWindows: s.Lookback + windowsExtra}),
		Priority: s.Priority, MaxAttempts: s.MaxAttempts,
	}
	rec, err := q.newRecord(request, f.now)
	if err != nil {
		return "", Record{}, err
	}
	rec.Schedule, rec.Tick = s.Name, f.tick
	made, err := rec.creation()
	if err != nil {
		return "", Record{}, err
	}
	keys := []string{scheduleKey(s.Name), historyKey(s.Name), recordKey(rec.ID), arrivingKey}
	args := append([]any{s.version, millis(f.tick), string(f.outcome), string(s.Overlap), millis(f.now), ticksKept}, made...)
	var answer string
	err = insist(ctx, func() error {
		answer, err = q.scripts.scheduleFire.Run(ctx, q.rdb, keys, args...).Text()
		return err
	})
	switch {
	case err != nil:
		return "", Record{}, fmt.Errorf("schedule %s: %w", s.Name, err)
	case answer == "known" || answer == "stale":
		return "", Record{}, nil
	case answer != string(TickJob):
		return TickOutcome(answer), Record{}, nil
	}
	return TickJob, q.arrive(ctx, rec), nil
}

// arrive brings a new job of a schedule into its lane, and returns its record. What fails here [Queue.Arrivals] makes good.
func (q *Queue) arrive(ctx context.Context, rec Record) Record {
	next, err := q.enter(ctx, rec, rule{})
	if err != nil {
		return rec
	}
	rec = q.added(ctx, rec, next)
	q.rdb.SRem(ctx, arrivingKey, rec.ID)
	return rec
}

// Arrivals brings jobs of schedules into their lanes whose maker died, or lost Redis, before it could.
func (q *Queue) Arrivals(ctx context.Context) error {
	ids, err := q.rdb.SMembers(ctx, arrivingKey).Result()
	if err != nil {
		return fmt.Errorf("find jobs of schedules: %w", err)
	}
	entries, err := q.records.loadAll(ctx, ids)
	if err != nil {
		return err
	}
	var failed error
	for i, e := range entries {
		if e != nil && e.State == StateWaiting {
			next, err := q.enter(ctx, e.Record, rule{}) // which does nothing to a job that is there
			if err == nil {
				err = q.dispatch(ctx, next)
			}
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
		}
		failed = errors.Join(failed, q.rdb.SRem(ctx, arrivingKey, ids[i]).Err())
	}
	return failed
}

// FollowUp makes the next piece of a schedule if its last job, or its last piece, is done and has left days to another: of
// low priority, within what others leave of the budget, and only one at a time. After a piece that failed, or stored
// nothing, comes none before the next tick. Now is the [Queue.Time]. It returns the job, if it made one.
func (q *Queue) FollowUp(ctx context.Context, s ScheduleState, now time.Time) (*Record, error) {
	if s.follow == "" || s.Paused || s.Disabled {
		return nil, nil //nolint:nilnil // documented: none is no error
	}
	before, err := q.records.load(ctx, s.follow)
	if err != nil || before != nil && !before.State.Final() {
		return nil, err
	}
	keys, args := []string{scheduleKey(s.Name), recordKey(""), arrivingKey}, []any{s.version, s.follow, recordPrefix}
	var piece Record
	if before != nil && leavesWork(before.Record) {
		f := before.Fetch
		f.Due, f.Spare = &Due{MaxWindows: windowsExtra}, true
		request := Request{Kind: KindFetch, Fetch: f, Priority: PriorityLow, MaxAttempts: before.MaxAttempts}
		if piece, err = q.newRecord(request, now); err != nil {
			return nil, err
		}
		piece.Schedule, piece.Tick, piece.Piece = s.Name, before.Tick, before.Piece+1
		made, err := piece.creation()
		if err != nil {
			return nil, err
		}
		keys[1], args = recordKey(piece.ID), append(args, made...)
	}
	answer, err := q.scripts.schedulePiece.Run(ctx, q.rdb, keys, args...).Text()
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	if answer != "job" {
		return nil, nil //nolint:nilnil // documented: none is no error
	}
	piece = q.arrive(ctx, piece)
	return &piece, nil
}

// leavesWork reports whether a piece may come after a job.
func leavesWork(r Record) bool {
	return r.State == StateDone && r.Progress.DaysLeft > 0 && (r.Piece == 0 || r.Progress.WindowsDone > 0)
}

// RewindSchedule lets a schedule go on that was created, or whose ticks count only from a time, that lies ahead: the clock
// was wrong, and has been set back. Now is the [Queue.Time].
func (q *Queue) RewindSchedule(ctx context.Context, s ScheduleState, now time.Time) error {
	if err := q.scripts.scheduleRewind.Run(ctx, q.rdb, []string{scheduleKey(s.Name)}, s.version, millis(now)).Err(); err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return nil
}
