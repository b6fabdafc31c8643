package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// describe returns log attributes that describe the job.
func describe(r jobs.Record) []slog.Attr {
	attrs := []slog.Attr{slog.String("kind", string(r.Work())), slog.String("database", r.Database)}
	if r.Kind == jobs.KindFetch {
		attrs = append(attrs, slog.String("project", r.Project), slog.String("range", r.Fetch.DescribeDays()))
	}
	if r.Kind == jobs.KindPublish {
		attrs = append(attrs, slog.String("table", r.Publish.Table), slog.String("range", r.Publish.DescribeDays()))
	}
	return attrs
}

// process runs the turn of a task and settles it. Its context ends only with the worker. An error means that nothing
// has begun, and Asynq keeps the task for another try.
func (w *Worker) process(ctx context.Context, task *asynq.Task, s slots) error {
	t, payloadErr := lanes.ParsePayload(task.Payload())
	if t.Job == "" {
		w.log.Error("task is none of ours", slog.String("kind", task.Type()), slog.Any("err", payloadErr))
		return nil
	}
	if ok, err := w.turns.take(t, s); err != nil || !ok {
		return err
	}
	defer w.turns.giveBack(t, s)
	log := w.log.With(slog.String("job_id", t.Job), slog.String("lane", t.Lane))
	e, err := w.begin(ctx, t)
	if err != nil {
		w.troubled(log, err)
		return err
	}
	if e == nil {
		log.Debug("task is stale")
		return nil
	}
	a := jobs.NewAttempt(e.Record, t.Fence, w.turns.closed)
	a.Record.Progress.Note = "" // of a wait that has ended
	log = log.With(slog.Int("attempt", e.Attempt))
	log.LogAttrs(ctx, slog.LevelInfo, "attempt started", describe(e.Record)...)
	started := time.Now()
	var runErr, cause error
	if payloadErr != nil {
		runErr = jobs.Permanent(payloadErr)
	} else {
		runErr, cause = w.attempt(ctx, t, a, log)
	}
	if cause == nil && w.turns.closing() && errors.Is(runErr, jobs.ErrShutdown) {
		cause = jobs.ErrShutdown // it ended on its own; except while draining, that is an ordinary failure
	}
	if cause == nil {
		runErr = w.outrank(ctx, t, runErr, log)
	}
	o, ok := decide(runErr, cause, e.Attempt, e.MaxAttempts, w.cfg.Backoff, w.e.Now())
	if o.State == jobs.StateDone {
		o.Result = a.Found()
	}
	took := time.Since(started)
	log = log.With(slog.Duration("took", took))
	settleErr := jobs.ErrLaneLost
	if ok {
		settleErr = w.settle(ctx, t, o, a.Progress(), log)
	}
	if errors.Is(settleErr, jobs.ErrLaneLost) || errors.Is(settleErr, jobs.ErrJobLost) {
		o.State = ""
	}
	w.cfg.Observer.AttemptEnded(e.Work(), o.State, took)
	switch {
	case settleErr == nil:
		logOutcome(log, o, runErr)
	case errors.Is(settleErr, jobs.ErrJobLost) || w.forgotten(ctx, t.Job):
		log.Warn("the queue has lost its data and this job with it; what the attempt committed stays", slog.Any("err", runErr))
	case errors.Is(settleErr, jobs.ErrLaneLost):
		log.Warn("attempt was too late", slog.Any("err", runErr))
	default:
		log.Warn("attempt is not settled; the next start runs it again", slog.Any("err", settleErr))
	}
	return nil
}

// forgotten reports whether the queue has no record of a job.
func (w *Worker) forgotten(ctx context.Context, id string) bool {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lanes.CallTimeout)
	defer stop()
	e, err := w.e.Records.Load(ctx, id)
	return err == nil && e == nil
}

// outrank raises the fences of later turns above the one that a writer found in its database. The database refused the
// writer although its turn is current: Redis has lost the lane's fences, or the database comes from elsewhere. It
// returns the error of the attempt, which is then temporary.
func (w *Worker) outrank(ctx context.Context, t lanes.Turn, runErr error, log *slog.Logger) error {
	found, ok := errors.AsType[interface {
		error
		StoredFence() int64
	}](runErr)
	if !ok {
		return runErr
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lanes.CallTimeout)
	defer stop()
	if err := w.e.Lanes.Raise(ctx, t.Lane, found.StoredFence()); err != nil {
		w.troubled(log, err)
		return runErr
	}
	return errOutranked
}

var errOutranked = fault.New(fault.CodeFailed, "nothing: the next attempt may write",
	"the database has seen a later writer than the queue knows of")

func logOutcome(log *slog.Logger, o lanes.Outcome, err error) {
	log = log.With(slog.String("status", string(o.State)))
	switch o.State {
	case jobs.StateFailed:
		log.Error("attempt ended", slog.Any("err", err))
	case jobs.StateRetrying:
		log.Warn("attempt ended", slog.Any("err", err), slog.Time("run_at", o.RunAt))
	case jobs.StatePaused:
		log.Info("attempt ended", slog.Any("err", err), slog.Time("run_at", o.RunAt))
	default:
		log.Info("attempt ended")
	}
}

func (w *Worker) begin(ctx context.Context, t lanes.Turn) (*lanes.Entry, error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lanes.CallTimeout)
	defer stop()
	return w.e.Begin(ctx, t, w.me)
}

// settle records the outcome. It returns [ErrLaneLost] if the turn was already over. It waits until Redis is
// reachable, but gives up with Redis's error soon after the worker has cancelled its attempts.
func (w *Worker) settle(ctx context.Context, t lanes.Turn, o lanes.Outcome, p jobs.Progress, log *slog.Logger) error {
	own := context.WithoutCancel(ctx)
	giveUp, cancel := context.WithCancel(own)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(settleAtMost, cancel) })()
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 2*time.Second) {
		call, stop := context.WithTimeout(own, lanes.CallTimeout)
		err := w.e.Settle(call, t, o, p)
		stop()
		if err == nil || errors.Is(err, jobs.ErrLaneLost) || errors.Is(err, jobs.ErrJobLost) {
			return err
		}
		w.troubled(log, err)
		wait := time.NewTimer(delay)
		select {
		case <-wait.C:
		case <-giveUp.Done():
			wait.Stop()
			return err
		}
	}
}
