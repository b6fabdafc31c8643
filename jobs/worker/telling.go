package worker

import (
	"context"
	"errors"
	"maps"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// lastWrite limits how long the end of an attempt waits until its windows and days are written.
const lastWrite = 2 * time.Second

// telling holds reports of an attempt about windows and days that are not written yet.
type telling struct {
	windows map[day.Range]*jobs.WindowState
	days    jobs.DayReport
}

// write writes the reports. After a failure they are kept for the next call.
func (l *telling) write(ctx context.Context, e *lanes.Engine, t lanes.Turn, a *jobs.Attempt) error {
	if changed := a.UnwrittenWindows(); l.windows == nil {
		l.windows = changed
	} else {
		maps.Copy(l.windows, changed)
	}
	if days := a.UnwrittenDays(); l.days.Tables == nil {
		l.days = days
	} else {
		l.days.Seq = max(l.days.Seq, days.Seq)
		maps.Copy(l.days.Tables, days.Tables)
	}
	windowErr := e.Records.WriteWindows(ctx, t, l.windows)
	if windowErr == nil {
		l.windows = nil
	}
	dayErr := e.WriteDays(ctx, a.Record.Database, t.Fence, l.days)
	if dayErr == nil {
		l.days.Tables = nil
	}
	return errors.Join(windowErr, dayErr)
}
