package workspace

import (
	"context"
	"errors"
	"fmt"

	"mixduck/internal/day"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// outlived records what a fetch has learned about days that Mixpanel no longer serves.
type outlived struct {
	days   []day.Range
	reason string
}

// outlive handles a refusal of days that are too old: it removes them from the plan. It reports whether err was such a
// refusal and the fetch can continue. A fetch of due days can, because these days are no longer due.
func (f *fetch) outlive(w window, err error) bool {
	api, ok := errors.AsType[*mixpanel.Error](err)
	if !ok || f.req.Due == nil || api.Reason != mixpanel.ReasonTooOld || api.MaxAgeDays <= 0 {
		return false
	}
	oldest := f.cfg.Project.Today(f.cfg.Now()) - day.Day(api.MaxAgeDays)
	if w.days.From > oldest+1 { // by its own message it serves these days
		return false
	}
	// The refusal itself shows whether the last named day counts, and whether it is already tomorrow at Mixpanel.
	oldest = max(oldest, w.days.From+1)
	f.gone.days = append(f.gone.days, day.Range{From: w.days.From, To: min(w.days.To, oldest-1)})
	f.gone.days = union(append(f.gone.days, f.plan.before(oldest)...))
	f.gone.reason = api.Message
	if w.days.From = oldest; w.days.Len() > 0 {
		f.plan.again = append(f.plan.again, window{days: w.days})
	}
	return true
}

// mark records in the database which days Mixpanel no longer serves. It does so even if the fetch failed or was
// drained.
func (f *fetch) mark(ctx context.Context) error {
	if len(f.gone.days) == 0 {
		return nil
	}
	return f.withEngine(ctx, func(e *storage.Engine) error {
		if _, err := e.Prepare(ctx, f.table); err != nil { // the file may be new
			return err
		}
		marked, err := e.MarkUnavailable(ctx, f.table, f.gone.days, f.gone.reason)
		f.progress.Unavailable += marked
		if err != nil {
			return fmt.Errorf("mark days that Mixpanel no longer serves: %w", err)
		}
		return nil
	})
}
