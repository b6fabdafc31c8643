package workspace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mixduck/internal/day"
	"mixduck/storage"
)

// reportEvery is the interval of progress reports while nothing else happens.
const reportEvery = 500 * time.Millisecond

// FetchEvents copies the requested days into the table. It downloads windows in parallel, verifies them, and commits
// them one at a time. If interrupted, each day is either unchanged or as Mixpanel has it now. It calls report twice a second.
//
// Windows with a temporary failure are requested again, with fewer days. If some days cannot be fetched, the others
// are fetched anyway, and the error is a *[DaysError]. If Mixpanel asks to wait, the error is a *[PauseError].
func (w *Workspace) FetchEvents(ctx context.Context, r FetchRequest, report func(Progress)) (Progress, error) {
	if !r.LateSince.IsZero() && r.Days == (day.Range{}) {
		r.Days.To = w.cfg.Project.Today(w.cfg.Now())
	}
	if err := r.check(w.cfg.Project, w.cfg.Now()); err != nil {
		return Progress{}, err
	}
	if r.Job == "" { // an empty id would match the windows of all requests without an id
		r.Job = rand.Text()
	}
	f := &fetch{Workspace: w, req: r, report: report, results: make(chan result)}
	defer os.Remove(w.cfg.SpoolDir) // only if it is empty
	if err := f.prepare(ctx); err != nil {
		return f.now(), err
	}
	err := f.run(ctx)
	if markErr := f.mark(ctx); err == nil {
		err = markErr
	}
	if err == nil {
		err = f.finish(ctx)
	}
	p := f.now()
	for warning := range strings.Lines(p.Warnings) {
		f.log.LogAttrs(ctx, slog.LevelWarn, "fetch has a warning", slog.String("range", r.Days.String()), slog.String("warning", strings.TrimSpace(warning)))
	}
	return p, err
}

// fetch is one call of FetchEvents. Its fields belong to the goroutine that created it, except for the counters.
type fetch struct {
	*Workspace
	req    FetchRequest
	report func(Progress)

	table    storage.Table
	perHour  int // windows that the budget allows; 0 if requests are not counted
	plan     *plan
	owed     []day.Range // days that this job must have stored at the end, except days left in the plan or unavailable
	gone     outlived
	progress Progress
	sent     atomic.Int64 // requests
	received atomic.Int64 // bytes
	ready    []keptWindow // from an earlier attempt
	results  chan result
	active   int // windows in progress

	proved   bool // a request of this attempt has succeeded; until then, one request is sent at a time
	streak   int  // failed windows since the last success
	vain     int  // of these, the windows that will be requested again unchanged
	refusals refusals
	failed   []DayFailure
	stop     error // why no more windows are started
}

// result is the result of a window.
type result struct {
	window  window
	receipt storage.Receipt
	err     error
}

// prepare prepares the spool and the table, and plans what earlier attempts have not done.
func (f *fetch) prepare(ctx context.Context) error {
	filter, err := f.req.filter()
	if err != nil {
		return err
	}
	f.table = storage.Table{
		Name: f.req.Table, Project: strconv.FormatInt(f.cfg.Project.ID, 10), Filter: filter, Days: f.req.Days,
		Create: f.req.Mode == Create, Replace: f.req.Mode == Replace, Job: f.req.Job, Fence: f.req.Fence,
		Promote: f.req.Promote,
	}
	if f.perHour, err = f.windowsPerHour(f.export(f.req, f.req.Days)); err != nil {
		return err
	}
	var found storage.Plan
	if f.databaseExists() {
		if err := f.withEngine(ctx, func(e *storage.Engine) (err error) {
			f.progress.warnOfMoved(e.Moved())
			found, err = e.Prepare(ctx, f.table)
			return err
		}); err != nil {
			return err
		}
		if found.Fill {
			if err := f.fill(ctx, found.Table, f.req.Fence); err != nil {
				return err
			}
		}
	} // otherwise the first load creates it, so a fetch without a result leaves no file
	for _, r := range found.Done {
		f.progress.add(r)
		f.received.Add(r.Bytes)
	}
	f.tellCommitted(found.Done)
	if f.req.Kept.Empty() {
		if err := f.clearSpool(); err != nil {
			return err
		}
	}
	if !f.req.LateSince.IsZero() {
		return f.findLate(ctx, found)
	}
	f.schedule(found)
	return nil
}

// schedule creates the plan: the requested days, or those of them that are due, without the days that this job has
// committed.
func (f *fetch) schedule(found storage.Plan) {
	f.plan = newPlan(nil, density(found.Coverage), f.perHour, f.cfg.WindowDays)
	wanted, done := []day.Range{f.req.Days}, windows(found.Done)
	if due := f.req.Due; due != nil {
		wanted = due.days(f.req.Days, found.Coverage, f.cfg.Project.Today(f.cfg.Now()))
		f.plan.newest = true
		f.plan.bounded, f.plan.windows = due.MaxWindows > 0, max(0, due.MaxWindows-len(done))
		f.progress.Unavailable = unavailable(found.Coverage)
	}
	f.plan.todo = subtract(wanted, done)
	f.owed = union(append(wanted, done...))
	f.takeKept()
}

// takeKept takes over the windows that an earlier attempt has downloaded, if all their days are still in the plan.
func (f *fetch) takeKept() {
	for _, k := range f.req.Kept.takeWindows() {
		days := []day.Range{k.window.days}
		if len(subtract(days, f.plan.todo)) > 0 {
			k.resp.remove()
			continue
		}
		f.plan.todo = subtract(f.plan.todo, days)
		f.plan.windows = max(0, f.plan.windows-1)
		f.ready = append(f.ready, k)
	}
}

// databaseExists reports whether there is a database to read. A database that stays open is created at once.
func (w *Workspace) databaseExists() bool {
	if !w.cfg.OpenPerLoad {
		return true
	}
	_, err := os.Stat(w.cfg.Database.Path)
	return !errors.Is(err, fs.ErrNotExist)
}

// finish checks that the file holds everything this fetch has loaded, because another process may have replaced the
// file. Then it swaps in a replaced table. If nothing was to be fetched, it creates no file.
func (f *fetch) finish(ctx context.Context) error {
	owed := subtract(f.owed, slices.Concat(f.plan.todo, f.gone.days))
	if len(owed) == 0 {
		return nil
	}
	return f.withEngine(ctx, func(e *storage.Engine) error {
		found, err := e.Prepare(ctx, f.table)
		if err != nil {
			return err
		}
		if missing := subtract(owed, windows(found.Done)); len(missing) > 0 {
			return fmt.Errorf("another process changed %s during the fetch: at least %s is missing", f.cfg.Database.Path, missing[0])
		}
		if f.req.Mode == Replace {
			if err := e.Swap(ctx, f.req.Table, f.req.Fence); err != nil {
				return err
			}
		}
		return f.warnOfNames(ctx, e)
	})
}

// now returns the current progress.
func (f *fetch) now() Progress {
	p := f.progress
	p.warnOfLines()
	p.Requests, p.Bytes = int(f.sent.Load()), f.received.Load()
	p.WindowsTotal = p.WindowsDone + f.active + len(f.ready)
	if f.plan != nil {
		p.WindowsTotal += f.plan.windowsLeft()
		if f.plan.bounded {
			p.DaysLeft = countDays(f.plan.todo)
		}
	}
	return p
}

// run carries out the plan, and waits for all goroutines it started.
func (f *fetch) run(ctx context.Context) error {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	drain, tick := f.req.Drain, time.NewTicker(reportEvery)
	defer tick.Stop()
	gate := newGate(f.cfg.Downloads, f.cfg.Loads)
	defer func() {
		for _, k := range f.ready {
			f.release(k.window, k.resp, f.stop)
		}
	}()
	for {
		wake := f.start(working, gate)
		f.report(f.now())
		if f.active == 0 && wake == nil {
			break
		}
		select {
		case res := <-f.results:
			f.active--
			f.settle(working, res)
			f.tellResult(res)
			if f.stop != nil && !f.pausing() {
				cancel(f.stop)
			}
		case <-wake:
		case <-tick.C:
		case <-drain:
			drain = nil
			gate.closeDownloads()
			if f.stop == nil { // otherwise the fetch is already ending, and the first reason matters more
				f.stop = ErrDrained
			}
		case <-working.Done():
			if f.stop == nil {
				f.stop = context.Cause(working)
			}
			if f.active == 0 {
				return f.stop
			}
			res := <-f.results
			f.settle(working, res)
			f.tellResult(res)
			f.active--
		}
	}
	switch {
	case f.stop != nil && !errors.Is(f.stop, errGaveUp):
		return f.stop
	case len(f.failed) > 0:
		return &DaysError{Asked: countDays(f.owed), Failed: f.failed}
	}
	return nil
}

// start starts as many windows as may be in progress: the downloads, and two that load or wait to load. If the next
// window must wait, the returned channel receives a value when its time has come.
func (f *fetch) start(ctx context.Context, g *gate) <-chan time.Time {
	for f.stop == nil && f.active < f.room() {
		if len(f.ready) > 0 {
			k := f.ready[0]
			f.ready = f.ready[1:]
			f.active++
			go func() {
				receipt, err := f.loadWindow(ctx, k.window, k.resp, g)
				f.results <- result{k.window, receipt, err}
			}()
			continue
		}
		now := time.Now()
		w, at := f.plan.next(now)
		if at.IsZero() {
			return nil
		}
		if at.After(now) {
			return time.After(at.Sub(now))
		}
		f.active++
		go func() {
			receipt, err := f.window(ctx, w, g)
			f.results <- result{w, receipt, err}
		}()
	}
	return nil
}

// room returns how many windows may be in progress.
func (f *fetch) room() int {
	if !f.proved || f.plan.learning() {
		return 1
	}
	return f.cfg.Downloads + 2
}
