package workspace

import (
	"context"
	"log/slog"
	"slices"

	"mixduck/internal/day"
	"mixduck/storage"
)

// WindowState says how far a window has come.
type WindowState struct {
	Days  day.Range
	Phase WindowPhase
	Tries int // including this one
	Rows  int64
	Err   error // of the last try, if it failed
}

// WindowPhase is a step of a window.
type WindowPhase string

// The phases of a window.
const (
	WindowDownloading WindowPhase = "downloading"
	WindowLoading     WindowPhase = "loading"   // or waiting until another window is loaded
	WindowRepeating   WindowPhase = "repeating" // it, or its days in smaller windows, will be requested again
	WindowFailed      WindowPhase = "failed"
	WindowDone        WindowPhase = "done"
)

// tell reports the state of a window.
func (f *fetch) tell(w window, phase WindowPhase, rows int64, err error) {
	if f.req.OnWindow != nil {
		f.req.OnWindow(WindowState{Days: w.days, Phase: phase, Tries: w.tries + 1, Rows: rows, Err: err})
	}
}

// tellCommitted reports the windows that earlier attempts have committed.
func (f *fetch) tellCommitted(done []storage.Receipt) {
	for _, r := range done {
		f.tell(window{days: r.Days}, WindowDone, r.Rows, nil)
	}
}

// tellResult reports a window that was settled.
func (f *fetch) tellResult(res result) {
	switch w := res.window; {
	case res.err == nil:
		f.tell(w, WindowDone, res.receipt.Rows, nil)
	case f.plan.repeats(w.days):
		f.tell(w, WindowRepeating, 0, res.err)
	default:
		f.tell(w, WindowFailed, 0, res.err)
	}
}

// stored returns the days of the table after a commit, if the caller wants them. An error is only logged, because the
// window is committed.
func (f *fetch) stored(ctx context.Context, e *storage.Engine) []storage.Coverage {
	if f.req.OnStored == nil {
		return nil
	}
	days, err := e.Coverage(ctx, f.req.Table, day.Range{To: day.New(9999, 12, 31)})
	if err != nil {
		f.log.LogAttrs(ctx, slog.LevelWarn, "could not read the days of a table", slog.Any("err", err))
	}
	return days
}

// repeats reports whether a day of a window is planned again.
func (p *plan) repeats(days day.Range) bool {
	overlaps := func(r day.Range) bool { return r.From <= days.To && days.From <= r.To }
	return slices.ContainsFunc(p.todo, overlaps) || slices.ContainsFunc(p.again, func(w window) bool { return overlaps(w.days) })
}
