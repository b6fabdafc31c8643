package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
	"mixduck/internal/wording"
	"mixduck/workspace"
)

// line is an event in --stdout.
type line struct {
	EventName  string          `json:"event_name"`
	EventTime  time.Time       `json:"event_time"` // UTC
	DistinctID string          `json:"distinct_id"`
	InsertID   string          `json:"insert_id"`
	Properties json.RawMessage `json:"properties"` // as received from Mixpanel
}

// stream writes events to stdout. If the reader closes the pipe, it stops without an error.
func (a *app) stream(ctx context.Context, w *workspace.Workspace, r workspace.FetchRequest, o *fetchOptions) error {
	out := bufio.NewWriterSize(a.Process.Stdout, 64<<10)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	var strange, extra int64
	var event eventline.Event
	missing := map[string]bool{}
	for _, name := range r.Events {
		missing[name] = true
	}
	patient := patience{app: a}
	r.OnPause = func(ctx context.Context, pause *workspace.PauseError) error {
		if err := out.Flush(); err != nil {
			return err
		}
		return patient.wait(ctx, pause)
	}
	n, err := w.Stream(ctx, r, func(text []byte) error {
		patient.waits = 0
		if !o.raw || len(missing) > 0 {
			bad := eventline.Parse(text, &event) != nil
			delete(missing, string(event.Name))
			if bad && !o.raw {
				strange++
				return nil
			}
			if event.Extra != nil && !o.raw {
				extra++
			}
		}
		if !o.raw {
			return lines.Encode(line{
				string(event.Name), time.UnixMicro(event.TimeMicros).UTC(), string(event.DistinctID), string(event.InsertID), event.Properties,
			})
		}
		_, _ = out.Write(text) // the writer keeps its error
		return out.WriteByte('\n')
	})
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err == nil {
		a.warnOfNames(missing, r.Days)
	}
	if extra > 0 {
		a.Warn(wording.Counted(extra, "event") + " with keys other than event and properties, which are omitted; --raw writes them")
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		err = nil
	case err == nil && strange > 0:
		err = fmt.Errorf("%s of %d are not events and are omitted; --raw writes them", wording.Counted(strange, "line"), n)
	case err == nil && !o.quiet:
		fmt.Fprintf(a.Process.Stderr, "%s\n", wording.Counted(n, "event"))
	}
	hint := "run it again after %s"
	if n > 0 {
		hint += " for the days that are not written"
	}
	return paused(full(err, false), hint)
}

// warnOfNames warns about requested event names that did not occur.
func (a *app) warnOfNames(missing map[string]bool, days day.Range) {
	for _, warning := range workspace.NoEvents(slices.Sorted(maps.Keys(missing)), " in "+days.String(), nil) {
		a.Warn(warning)
	}
}
