package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"mixduck/internal/answer"
	"mixduck/internal/day"
	"mixduck/internal/eventline"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// Stream passes the lines of the requested days to emit, as received from Mixpanel and without newlines, window by
// window. A window is downloaded and verified completely before its first line is emitted, so nothing is emitted twice
// or from an incomplete response. After an error the later windows are missing. Stream opens no database and removes
// no duplicates.
//
// It uses only Days, Events, Where and OnPause of r. A line is valid until emit returns. Errors are those of
// FetchEvents and of emit; after some lines they name the days without any emitted line.
func (w *Workspace) Stream(ctx context.Context, r FetchRequest, emit func(line []byte) error) (lines int64, err error) {
	r.Table = "events"
	if err := r.check(w.cfg.Project, w.cfg.Now()); err != nil {
		return 0, err
	}
	if err := w.clearSpool(); err != nil {
		return 0, err
	}
	defer os.Remove(w.cfg.SpoolDir) // only if it is empty
	what := w.export(r, r.Days)
	perHour, err := w.windowsPerHour(what)
	if err != nil {
		return 0, err
	}
	var sent, received atomic.Int64
	p := newPlan([]day.Range{r.Days}, 0, perHour, w.cfg.WindowDays)
	lines, err = w.stream(ctx, p, what, outlet{&sent, &received, emit, r.OnPause})
	if missing := union(p.rest()); err != nil && lines > 0 && len(missing) > 0 {
		err = fmt.Errorf("%w; not written: %s", err, listDays(missing))
	}
	return lines, err
}

// outlet is the destination of a stream's lines and notifications.
type outlet struct {
	sent, received *atomic.Int64 // requests, bytes
	emit           func(line []byte) error
	onPause        func(context.Context, *PauseError) error // see [FetchRequest.OnPause]; may be nil
}

// stream works through a plan, one window after another, each with the request what for its days. After an error the
// plan contains the missing days, except a window with some emitted lines.
func (w *Workspace) stream(ctx context.Context, p *plan, what mixpanel.ExportRequest, out outlet) (lines int64, err error) {
	var refused refusals
	for failed := 0; ; {
		next, at := p.next(time.Now())
		if at.IsZero() {
			return lines, nil
		}
		if wait := time.Until(at); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return lines, context.Cause(ctx)
			}
			continue
		}
		what.Days = next.days
		n, err := w.streamWindow(ctx, what, next.repeat, out)
		lines += n
		switch {
		case errors.Is(err, storage.ErrEmpty) && !next.empty:
			p.confirm(next)
		case err == nil, errors.Is(err, storage.ErrEmpty):
			failed, refused = 0, refusals{}
			p.learn(next.days.Len(), n)
		default:
			err = refused.judge(next, err)
			again := w.streamAgain(ctx, p, next, n, err)
			if pause, ok := errors.AsType[*PauseError](again); ok && out.onPause != nil {
				if again = out.onPause(ctx, pause); again == nil {
					p.again = append(p.again, next)
					continue
				}
			}
			if failed++; again == nil && failed >= maxStreak {
				again = fmt.Errorf("%s: %w", next.days, err)
			}
			if again != nil {
				if n == 0 {
					p.again = append(p.again, next)
				}
				return lines, again
			}
		}
	}
}

// streamAgain plans a failed window again, or returns an error if that would not help.
func (w *Workspace) streamAgain(ctx context.Context, p *plan, failed window, emitted int64, err error) error {
	api, ok := errors.AsType[*mixpanel.Error](err)
	var later interface{ RetryAt() time.Time }
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case emitted > 0:
		return fmt.Errorf("%s: %w", failed.days, err)
	case ok && api.Action == mixpanel.Pause:
		return w.pause(ctx, api.After, err)
	case errors.As(err, &later):
		return &PauseError{Until: later.RetryAt(), Err: err}
	case Permanent(err), failed.tries+1 >= w.cfg.WindowTries && failed.days.Len() == 1:
		return fmt.Errorf("%s: %w", failed.days, err)
	}
	delay := w.cfg.RetryDelay << failed.tries
	if ok {
		delay = max(delay, api.After)
	}
	w.log.LogAttrs(ctx, slog.LevelWarn, "window will be requested again",
		slog.String("range", failed.days.String()), slog.Duration("after", delay), slog.Any("err", err))
	p.retry(failed, !ok || api.Smaller, "", time.Now().Add(delay))
	return nil
}

// streamWindow downloads, verifies and emits one window.
func (w *Workspace) streamWindow(ctx context.Context, r mixpanel.ExportRequest, repeat bool, out outlet) (n int64, err error) {
	resp, err := w.download(ctx, r, repeat, out.sent, out.received)
	if err != nil {
		return 0, err
	}
	defer resp.remove()
	strays := storage.Strays{Days: r.Days}
	total, err := resp.eachLine(ctx, func(line answer.Line, e *eventline.Event) error {
		strays.Add(line, e)
		return nil
	})
	if err != nil {
		return 0, err
	}
	if total == 0 {
		return 0, storage.ErrEmpty
	}
	if err := strays.Check(); err != nil {
		return 0, err
	}
	return resp.eachLine(ctx, func(line answer.Line, _ *eventline.Event) error { return out.emit(line.Text) })
}

// eachLine calls fn with each line of a response and returns the number of lines. It fails if the response is
// incomplete.
func (r *response) eachLine(ctx context.Context, fn func(answer.Line, *eventline.Event) error) (n int64, err error) {
	parts, done, err := r.open()
	if err != nil {
		return 0, err
	}
	defer done()
	n, err = answer.Each(ctx, parts, fn)
	if broken, ok := errors.AsType[*answer.Error](err); ok {
		err = cmp.Or(inspect(broken.Text), err)
	}
	return n, err
}
