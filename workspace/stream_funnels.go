package workspace

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// funnels is the stream of the saved funnels, and of their daily results.
func funnels() streamSource {
	return streamSource{
		name: stream.Funnels,
		tables: func(w *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
			if today := w.cfg.Project.Today(w.cfg.Now()); r.Days == (day.Range{}) {
				r.Days = day.Range{From: today - day.Day(w.cfg.LookbackDays), To: today}
			} else if r.Days.Len() == 0 || r.Days.To > today {
				return nil, fault.Usage("end the range today or before", "the days %s are not all in the past", r.Days)
			}
			return []storage.Keyed{
				{Name: r.Table, Columns: columns(1, "id", "BIGINT", "name", "VARCHAR")},
				{Name: secondTable(stream.Funnels, r.Table), Stream: "funnels_daily", Columns: columns(2, "funnel_id", "BIGINT", "day", "DATE", "name", "VARCHAR",
					"entered", "BIGINT", "completed", "BIGINT", "steps", "JSON", "raw", "JSON")},
			}, nil
		},
		ask: func(ctx context.Context, f *refreshing) ([]harvest, error) {
			all, fetchedAt, err := fetchList(ctx, f, f.counted(), func() ([]mixpanel.SavedFunnel, error) {
				return f.source.FunnelList(ctx, f.cfg.Project.ID)
			})
			if err != nil {
				return nil, err
			}
			f.update(func(p *Progress) { p.WindowsTotal += len(all) })
			var rows list
			for _, one := range all {
				rows = append(rows, [][]byte{number(one.ID), text(one.Name)})
				if !slices.Contains(f.scopes(1), strconv.FormatInt(one.ID, 10)) {
					if err := f.funnel(ctx, one); err != nil {
						return nil, err
					}
				}
				f.update(func(p *Progress) { p.WindowsDone++ })
			}
			return []harvest{rows.harvest(fetchedAt), {fetchedAt: fetchedAt, partial: true}}, nil
		},
	}
}

// funnelStep is a step as stored in a row of a funnel.
type funnelStep struct {
	Event                string  `json:"event"`
	Label                string  `json:"label"`
	Count                int64   `json:"count"`
	FromPrevious         float64 `json:"from_previous"`
	FromStart            float64 `json:"from_start"`
	SecondsAfterPrevious float64 `json:"seconds_after_previous"`
	SecondsAfterStart    float64 `json:"seconds_after_start"`
}

// funnel stores the days of a funnel. Earlier days, and those of deleted funnels, stay.
func (f *refreshing) funnel(ctx context.Context, one mixpanel.SavedFunnel) error {
	var periods []mixpanel.FunnelPeriod
	var fetchedAt time.Time
	err := f.ask(ctx, f.counted(), func() (err error) {
		fetchedAt = f.cfg.Now()
		periods, err = f.source.Funnel(ctx, mixpanel.FunnelRequest{Project: f.cfg.Project.ID, Funnel: one.ID, Days: f.req.Days})
		return err
	})
	if err != nil {
		return err
	}
	var rows list
	for _, p := range periods {
		steps := make([]funnelStep, len(p.Steps))
		for i, s := range p.Steps {
			steps[i] = funnelStep{s.Event, s.Label, s.Count, s.FromPrevious, s.FromStart, s.AfterPrevious.Seconds(), s.AfterStart.Seconds()}
		}
		written, err := json.Marshal(steps)
		if err != nil {
			return err
		}
		var entered, completed []byte
		if n := len(steps); n > 0 {
			entered, completed = number(steps[0].Count), number(steps[n-1].Count)
		}
		rows = append(rows, [][]byte{number(one.ID), []byte(p.Start.String()), text(one.Name), entered, completed, written, p.Raw})
	}
	h := rows.harvest(fetchedAt)
	h.partial, h.within = true, &storage.Scope{Values: []string{strconv.FormatInt(one.ID, 10)}}
	return f.refresh(ctx, f.tables[1], h)
}
