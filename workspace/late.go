package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// findLate searches the stored days for events received since LateSince, and plans the days of these events: newest
// first, in as few windows as their density allows. If nothing is stored, nothing can be late.
func (f *fetch) findLate(ctx context.Context, found storage.Plan) error {
	var gone, stored []day.Range
	for _, c := range found.Coverage {
		r := day.Range{From: c.Day, To: c.Day}
		if c.State == storage.Unavailable {
			gone = append(gone, r)
		} else {
			stored = append(stored, r)
		}
	}
	f.plan = newPlan(nil, density(found.Coverage), f.perHour, f.cfg.WindowDays)
	f.plan.newest = true
	done := windows(found.Done)
	f.owed = done
	if len(stored) == 0 {
		return nil
	}
	search := day.Range{From: stored[0].From, To: stored[len(stored)-1].To}
	f.report(f.now())
	late, err := f.searchLate(ctx, search)
	if err != nil {
		return fmt.Errorf("find late events: %w", err)
	}
	f.progress.LateDays = listDays(union(ranges(late)))
	wanted := bridge(late, gone, f.plan.longest())
	f.plan.todo = subtract(wanted, done)
	f.owed = union(append(wanted, done...))
	f.takeKept()
	return nil
}

// searchLate returns the days of r that have events received since LateSince, in ascending order. Days that Mixpanel
// no longer serves have no late events.
func (f *fetch) searchLate(ctx context.Context, r day.Range) ([]day.Day, error) {
	ctx, stop := f.untilDrained(ctx)
	defer stop()
	for {
		late := lateDays{search: r, since: f.req.LateSince.UnixMilli(), days: map[day.Day]bool{}}
		p := newPlan(nil, 0, 0, f.cfg.WindowDays)
		p.again = []window{{days: r}}
		what := f.export(f.req, r)
		what.Where = lateFilter(f.req.Where, f.req.LateSince)
		_, err := f.stream(ctx, p, what, outlet{&f.sent, &f.received, late.take, nil})
		if err == nil {
			return slices.Sorted(maps.Keys(late.days)), nil
		}
		api, ok := errors.AsType[*mixpanel.Error](err)
		if !ok || api.Reason != mixpanel.ReasonTooOld || api.MaxAgeDays <= 0 {
			return nil, err
		}
		oldest := f.cfg.Project.Today(f.cfg.Now()) - day.Day(api.MaxAgeDays)
		switch {
		case r.From > oldest+1: // by its own message it serves these days
			return nil, err
		case r.To <= oldest:
			return nil, nil
		}
		r.From = max(oldest, r.From+1)
	}
}

// untilDrained returns a context that ends with ErrDrained when the fetch is drained.
func (f *fetch) untilDrained(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-f.req.Drain:
			cancel(ErrDrained)
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(nil)
		waiting.Wait()
	}
}

// lateFilter returns a filter expression for events that match the table's own filter and arrived after since. Source:
// Mixpanel's documentation of the raw export, on late data.
func lateFilter(own string, since time.Time) string {
	late := fmt.Sprintf(`(number(properties["mp_processing_time_ms"]) > %d)`, since.UnixMilli())
	if own == "" {
		return late
	}
	return "(" + own + ") and " + late
}

// lateDays collects the days of late events from the lines of a response.
type lateDays struct {
	search day.Range
	since  int64 // Unix milliseconds
	days   map[day.Day]bool
	event  eventline.Event
}

func (l *lateDays) take(line []byte) error {
	if eventline.Parse(line, &l.event) != nil {
		return nil //nolint:nilerr // a load sets it aside, too
	}
	d := day.Day(l.event.TimeMicros / (24 * time.Hour).Microseconds())
	if l.search.Contains(d) && l.event.ProcessedMS > l.since {
		l.days[d] = true
	}
	return nil
}

// bridge combines days, which ascend, into as few ranges as possible. Each range has at most longest days, starts and
// ends with one of the given days, and includes no day of gone.
func bridge(days []day.Day, gone []day.Range, longest int) (all []day.Range) {
	for _, d := range slices.Backward(days) {
		if last := len(all) - 1; last >= 0 {
			wider := day.Range{From: d, To: all[last].To}
			if wider.Len() <= longest && countDays(subtract([]day.Range{wider}, gone)) == wider.Len() {
				all[last] = wider
				continue
			}
		}
		all = append(all, day.Range{From: d, To: d})
	}
	slices.Reverse(all)
	return all
}

// maxListed is the maximum number of ranges in a list.
const maxListed = 20

// listDays formats days as text, for example "2026-11-01..2026-11-03, 2026-11-07".
func listDays(runs []day.Range) string {
	var names []string
	for i, r := range runs {
		if i == maxListed {
			names = append(names, fmt.Sprintf("and %d more days", countDays(runs[i:])))
			break
		}
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}

// checkLate rejects settings that cannot be combined with LateSince.
func (r *FetchRequest) checkLate(now time.Time) error {
	switch {
	case r.Due != nil:
		return fault.Usage("submit two fetches", "a fetch cannot request both due days and late events")
	case r.Mode == Replace || r.Mode == Create:
		return fault.Usage("use sync or append", "replace and create do not work with late events: a new table has none")
	case r.LateSince.After(now):
		return fault.Usage("use a time in the past", "the start time for late events, %s, is in the future", r.LateSince.Format(time.RFC3339))
	}
	return nil
}
