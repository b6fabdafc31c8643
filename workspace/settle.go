package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// ErrDrained ends a fetch that was told to stop early.
var ErrDrained = errors.New("drained")

// errGaveUp ends an attempt in which every request fails, to save the budget.
var errGaveUp = errors.New("stopped after repeated failures")

// maxStreak is the maximum number of consecutive failed windows.
const maxStreak = 10

// maxVain is the maximum number of failed requests before the first success, not counting those that are repeated with
// fewer days.
const maxVain = 3

// PauseError means that Mixpanel asks to wait. Committed days stay.
type PauseError struct {
	Until time.Time
	Err   error
}

func (e *PauseError) Error() string { return e.Err.Error() }

// Unwrap returns Mixpanel's error.
func (e *PauseError) Unwrap() error { return e.Err }

// Later returns err for callers that do not wait: a [PauseError] gets [fault.CodeRateLimited] and a hint until when to wait.
func Later(err error) error {
	if pause, ok := errors.AsType[*PauseError](err); ok {
		return fault.New(fault.CodeRateLimited, "run it again after "+pause.Until.UTC().Format("15:04 MST"), "%w", err)
	}
	return err
}

// DayFailure is a range of days that could not be fetched, and the reason.
type DayFailure struct {
	Days      day.Range
	Permanent bool // another request will not help
	Err       error
}

// DaysError lists the missing days of a fetch. All other days are committed.
type DaysError struct {
	Asked  int // number of requested days
	Failed []DayFailure
}

func (e *DaysError) Error() string {
	slices.SortFunc(e.Failed, func(a, b DayFailure) int { return int(a.Days.From - b.Days.From) })
	n := 0
	var each strings.Builder
	for i, f := range e.Failed {
		n += f.Days.Len()
		switch {
		case i < 3:
			fmt.Fprintf(&each, "; %s: %v", f.Days, f.Err)
		case i == 3:
			each.WriteString("; …")
		}
	}
	return fmt.Sprintf("%d of %d days could not be fetched%s", n, e.Asked, &each)
}

// Permanent reports whether another request cannot help for any of the days.
func (e *DaysError) Permanent() bool {
	return !slices.ContainsFunc(e.Failed, func(f DayFailure) bool { return !f.Permanent })
}

// Hint says how to fetch the missing days, unless the first reason has a better hint.
func (e *DaysError) Hint() string {
	return cmp.Or(fault.HintOf(e.Failed[0].Err), "run it again later; it requests only missing days")
}

// Unwrap returns the reasons, so that callers find their codes.
func (e *DaysError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// settle decides what to do about a finished window. It is the only place that distinguishes temporary from permanent
// failures.
func (f *fetch) settle(ctx context.Context, res result) {
	w, err := res.window, res.err
	if err == nil || errors.Is(err, storage.ErrEmpty) {
		f.succeeded()
	}
	if err == nil {
		f.progress.add(res.receipt)
		f.plan.learn(w.days.Len(), res.receipt.Lines)
		return
	}
	if errors.Is(err, storage.ErrEmpty) && f.stop == nil {
		f.progress.Retries++
		f.plan.confirm(w)
		return
	}
	if f.outlive(w, err) {
		return
	}
	f.streak++
	err = f.refusals.judge(w, err)
	var (
		api    *mixpanel.Error
		shrunk *storage.ShrunkError
		later  interface{ RetryAt() time.Time }
	)
	switch {
	case errors.Is(f.stop, errGaveUp):
		f.fail(w.days, err, false)
	case f.stop != nil: // whatever the reason, it is left for later
	case ctx.Err() != nil:
		f.stop = context.Cause(ctx)
	case errors.As(err, &shrunk):
		for _, r := range ranges(shrunk.Days) {
			f.fail(r, err, true)
		}
		f.plan.without(w, shrunk.Days)
	case errors.As(err, &api) && api.Action == mixpanel.Pause:
		f.stop = f.pause(ctx, api.After, err)
	case errors.As(err, &later):
		f.stop = &PauseError{Until: later.RetryAt(), Err: err}
	case Permanent(err), errors.Is(err, storage.ErrLocked):
		f.stop = fmt.Errorf("%s: %w", w.days, err)
	case f.streak >= maxStreak, f.inVain(w, api):
		f.giveUp(w, err)
	case w.tries+1 >= f.cfg.WindowTries && w.days.Len() == 1:
		f.trouble(w, err)
		f.fail(w.days, err, w.refusal != "" && w.sameRefusal(api) != "")
	default:
		f.trouble(w, err)
		delay := f.cfg.RetryDelay << w.tries
		if api != nil {
			delay = max(delay, api.After)
		}
		delay += rand.N(delay/4 + 1)
		f.log.LogAttrs(ctx, slog.LevelWarn, "window will be requested again",
			slog.String("range", w.days.String()), slog.Duration("after", delay), slog.Any("err", err))
		f.progress.Retries++
		f.plan.patient = !f.proved && refusalOf(api) == ""
		f.plan.retry(w, api == nil || api.Smaller, w.sameRefusal(api), time.Now().Add(delay))
	}
}

// giveUp leaves all days that are not in progress to the next attempt.
func (f *fetch) giveUp(w window, err error) {
	f.trouble(w, err)
	f.stop = errGaveUp
	for _, r := range append(f.plan.rest(), w.days) {
		f.fail(r, err, false)
	}
}

// succeeded records that Mixpanel responds: earlier failures were temporary.
func (f *fetch) succeeded() {
	f.proved, f.streak, f.vain, f.refusals, f.plan.patient = true, 0, 0, refusals{}, false
	f.progress.Trouble = ""
}

// trouble records the last problem, for users who only see that the fetch waits.
func (f *fetch) trouble(w window, err error) { f.progress.Trouble = fmt.Sprintf("%s: %v", w.days, err) }

// inVain counts a failure before the first success, and reports whether the limit is exceeded. A repeated window
// counts, a smaller one does not.
func (f *fetch) inVain(w window, api *mixpanel.Error) bool {
	if f.proved || w.days.Len() > 1 && (api == nil || api.Smaller) {
		return false
	}
	f.vain++
	return f.vain >= maxVain
}

// pause returns the error that ends the work because Mixpanel wants no requests for a while. It shares this with all
// users of the budget.
func (w *Workspace) pause(ctx context.Context, wait time.Duration, err error) error {
	until := w.cfg.Now().Add(wait)
	if w.cfg.Budget != nil {
		w.cfg.Budget.Heard(ctx, w.cfg.Project.ID, 0, until)
	}
	return &PauseError{Until: until, Err: err}
}

func (f *fetch) fail(days day.Range, err error, permanent bool) {
	f.failed = append(f.failed, DayFailure{Days: days, Permanent: permanent, Err: err})
}

// pausing reports whether the windows in progress should end.
func (f *fetch) pausing() bool {
	_, pausing := errors.AsType[*PauseError](f.stop)
	kept := f.req.Kept != nil && errors.Is(f.stop, storage.ErrLocked) // downloads are for the next attempt
	return pausing || kept || errors.Is(f.stop, ErrDrained) || errors.Is(f.stop, errGaveUp)
}

// Permanent reports whether an error of FetchEvents will repeat until a person does something. Unknown errors are not
// permanent.
func Permanent(err error) bool {
	if days, ok := errors.AsType[*DaysError](err); ok {
		return days.Permanent()
	}
	if api, ok := errors.AsType[*mixpanel.Error](err); ok {
		return api.Action == mixpanel.GiveUp
	}
	if _, ok := errors.AsType[*storage.OutsideError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*storage.EmptiedError](err); ok {
		return true
	}
	for _, target := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, fs.ErrPermission, storage.ErrFenced,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	switch fault.CodeOf(err) {
	case fault.CodeUsage, fault.CodeExists:
		return true
	default:
		return false
	}
}
