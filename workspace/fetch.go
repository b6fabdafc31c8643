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
	"mixduck/mixpanel"
	"mixduck/storage"
)

// reportEvery is how often progress is reported while nothing else happens.
const reportEvery = 500 * time.Millisecond

// FetchEvents copies the days asked into the table: windows are downloaded side by side, verified, and committed one by
// one, so that a fetch that is ended anywhere leaves each day either as it was or as Mixpanel has it now. Progress goes
// to report, about twice a second.
//
// Windows that fail for a passing reason are asked again, smaller. When some days cannot be had the others are fetched
// all the same, and the error is a *[DaysError]. Mixpanel's wish to wait gives a *[PauseError].
func (w *Workspace) FetchEvents(ctx context.Context, r FetchRequest, report func(Progress)) (Progress, error) {
	if !r.LateSince.IsZero() && r.Days == (day.Range{}) {
		r.Days.To = w.cfg.Project.Today(w.cfg.Now())
	}
	if err := r.check(w.cfg.Project, w.cfg.Now()); err != nil {
		return Progress{}, err
	}
	if r.Job == "" { // an empty one would take the windows of all requests without an id for its own
		r.Job = rand.Text()
	}
	f := &fetch{Workspace: w, req: r, report: report, results: make(chan result)}
	defer os.Remove(w.cfg.SpoolDir) // if it is empty
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

// fetch is one call of FetchEvents. Its fields belong to the goroutine that made it, but for the counters.
type fetch struct {
	*Workspace
	req    FetchRequest
	report func(Progress)

	table    storage.Table
	perHour  int // windows that the budget allows; 0 where nobody counts
	plan     *plan
	owed     []day.Range // that have to be stored by this job when all is done, but for those that stay in the plan, or are gone
	gone     outlived
	progress Progress
	sent     atomic.Int64 // requests
	received atomic.Int64 // bytes
	results  chan result
	active   int // windows under way

	proved   bool // Mixpanel has answered a request of this attempt: until then one goes at a time
	streak   int  // windows that have failed since the last success
	vain     int  // of these, those that will be asked again as they are
	refusals refusals
	failed   []DayFailure
	stop     error // why no further window is started
}

// result is what became of a window.
type result struct {
	window  window
	receipt storage.Receipt
	err     error
}

// prepare readies the spool and the table, and plans what earlier attempts have left to do.
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
	} // else the first load makes it: a fetch that comes to nothing leaves no file
	for _, r := range found.Done {
		f.progress.add(r)
		f.received.Add(r.Bytes)
	}
	if err := f.clearSpool(); err != nil {
		return err
	}
	if !f.req.LateSince.IsZero() {
		return f.findLate(ctx, found)
	}
	f.schedule(found)
	return nil
}

// schedule makes the plan: the days asked or, of these, those that are due, but for those that the job has committed.
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
}

// databaseExists reports whether there is a database to look into. One that is kept open is made at once.
func (w *Workspace) databaseExists() bool {
	if !w.cfg.OpenPerLoad {
		return true
	}
	_, err := os.Stat(w.cfg.Database.Path)
	return !errors.Is(err, fs.ErrNotExist)
}

// finish makes sure that the file holds what the fetch has put into it, and swaps a replaced table in: somebody may have
// moved the file away in between. Where nothing was to be fetched there is no file to be made.
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

// now returns the progress as it stands.
func (f *fetch) now() Progress {
	p := f.progress
	p.warnOfLines()
	p.Requests, p.Bytes = int(f.sent.Load()), f.received.Load()
	p.WindowsTotal = p.WindowsDone + f.active
	if f.plan != nil {
		p.WindowsTotal += f.plan.windowsLeft()
		if f.plan.bounded {
			p.DaysLeft = countDays(f.plan.todo)
		}
	}
	return p
}

// run works off the plan, and waits for every goroutine that it has started.
func (f *fetch) run(ctx context.Context) error {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	drain, tick := f.req.Drain, time.NewTicker(reportEvery)
	defer tick.Stop()
	gate := newGate(f.cfg.Downloads, f.cfg.Loads)
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
			if f.stop != nil && !f.pausing() {
				cancel(f.stop)
			}
		case <-wake:
		case <-tick.C:
		case <-drain:
			drain = nil
			gate.closeDownloads()
			if f.stop == nil { // else it ends already, and the reason matters more
				f.stop = ErrDrained
			}
		case <-working.Done():
			if f.stop == nil {
				f.stop = context.Cause(working)
			}
			if f.active == 0 {
				return f.stop
			}
			f.settle(working, <-f.results)
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

// start begins as many windows as may be under way: those that are being downloaded, and two that are loaded or wait
// for it. If a window has to wait for its time, the channel returned will say when it has come.
func (f *fetch) start(ctx context.Context, g *gate) <-chan time.Time {
	for f.stop == nil && f.active < f.room() {
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

// room returns how many windows may be under way.
func (f *fetch) room() int {
	if !f.proved || f.plan.learning() {
		return 1
	}
	return f.cfg.Downloads + 2
}

// window downloads and loads one window.
func (f *fetch) window(ctx context.Context, w window, g *gate) (storage.Receipt, error) {
	var resp *response
	err := g.download(ctx, func(ctx context.Context) (err error) {
		began := time.Now()
		resp, err = f.download(ctx, f.export(f.req, w.days), w.repeat, &f.sent, &f.received)
		if err == nil {
			f.log.LogAttrs(ctx, slog.LevelDebug, "window downloaded",
				slog.String("range", w.days.String()), slog.Int64("bytes", resp.bytes()), slog.Duration("took", time.Since(began)))
		}
		return err
	})
	if err != nil {
		return storage.Receipt{}, err
	}
	defer resp.remove()
	var receipt storage.Receipt
	err = g.load(ctx, func() (err error) {
		receipt, err = f.load(ctx, w, resp)
		return err
	})
	return receipt, err
}

// load commits a response.
func (f *fetch) load(ctx context.Context, w window, resp *response) (receipt storage.Receipt, err error) {
	began := time.Now()
	parts, done, err := resp.open()
	if err != nil {
		return receipt, err
	}
	defer done()
	p := f.cfg.Project
	err = f.withEngine(ctx, func(e *storage.Engine) error {
		plan, err := e.Prepare(ctx, f.table) // again: the file may be new, or another since the fetch began
		if err != nil {
			return err
		}
		receipt, err = e.Load(ctx, storage.Window{
			Table: plan.Table, Days: w.days, Parts: parts, Inspect: inspect, Zone: p.zone(),
			AllowEmpty: w.empty, Add: f.req.Mode == Append, Force: f.req.Force, LookbackFrom: p.Today(f.cfg.Now()) - day.Day(f.cfg.LookbackDays),
			Job: f.req.Job, Fence: f.req.Fence, FetchedAt: resp.fetchedAt, DayEnd: p.dayEnd, Bytes: resp.bytes(), Hash: resp.hash(),
		})
		return err
	})
	if err == nil {
		took := time.Since(began)
		f.log.LogAttrs(ctx, slog.LevelDebug, "window loaded", slog.String("range", w.days.String()),
			slog.Int64("rows", receipt.Rows), slog.Duration("took", took))
		if f.cfg.Observer != nil {
			f.cfg.Observer.WindowLoaded(f.cfg.Project.ID, receipt.Rows, resp.bytes(), took)
		}
	}
	return receipt, err
}

// inspect asks what a text means that stands in an answer where an event should.
func inspect(text []byte) error {
	if err := mixpanel.Report(text); err != nil {
		return err
	}
	return nil
}
