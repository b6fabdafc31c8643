package workspace

import (
	"context"
	"os"
	"sync/atomic"

	"mixduck/internal/answer"
	"mixduck/internal/day"
	"mixduck/internal/eventline"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// Probe is what a small export shows about a project.
type Probe struct {
	Days       day.Range // days of the last request
	Events     int64     // events in its response, at most [probeEvents]
	Requests   int
	TimesKnown bool   // the events show whether times are read in the right zone
	TimeHint   string // what is wrong with the times; "" if nothing is known to be wrong
}

const (
	probeEvents = 1000
	probeDays   = 30 // days requested if the first day has no events
)

// Probe exports a few events of yesterday or, if there are none, of the last 30 days. It sends at most two requests
// and repeats none. The response is verified like any other, but nothing is stored.
func (w *Workspace) Probe(ctx context.Context) (Probe, error) {
	if err := w.clearSpool(); err != nil {
		return Probe{}, err
	}
	defer os.Remove(w.cfg.SpoolDir) // only if it is empty
	yesterday := w.cfg.Project.Today(w.cfg.Now()) - 1
	var p Probe
	for _, days := range []day.Range{{From: yesterday, To: yesterday}, {From: yesterday - probeDays + 1, To: yesterday}} {
		p.Days = days
		p.Requests++
		if err := w.probe(ctx, &p); err != nil || p.Events > 0 {
			return p, err
		}
	}
	return p, nil
}

// probe sends one request of a probe.
func (w *Workspace) probe(ctx context.Context, p *Probe) error {
	var sent, received atomic.Int64
	resp, err := w.download(ctx, mixpanel.ExportRequest{Project: w.cfg.Project.ID, Days: p.Days, Limit: probeEvents}, false, &sent, &received)
	if err != nil {
		return err
	}
	defer resp.remove()
	strays := storage.Strays{Days: p.Days}
	times := storage.NewTimeSample(w.cfg.Project.zone(), p.Days)
	p.Events, err = resp.eachLine(ctx, func(line answer.Line, e *eventline.Event) error {
		strays.Add(line, e)
		if line.Reason == nil {
			times.Add(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.TimeHint, p.TimesKnown = times.Warning()
	strays.Times = p.TimeHint
	return strays.Check()
}
