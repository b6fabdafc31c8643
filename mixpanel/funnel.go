package mixpanel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"mixduck/internal/day"
)

// SavedFunnel is a funnel saved in Mixpanel.
type SavedFunnel struct {
	ID   int64  `json:"funnel_id"`
	Name string `json:"name"`
}

// FunnelRequest selects a saved funnel, and the days on which people enter it.
type FunnelRequest struct {
	Project int64
	Funnel  int64     // ID of a [SavedFunnel]
	Days    day.Range // in the zone of the project's dates in Mixpanel; not empty
	Unit    Unit      // day, week or month; "" means day
	Where   string    // an expression that events must satisfy; "" means no condition
}

// FunnelPeriod is the result for people who entered a funnel in one unit of time.
type FunnelPeriod struct {
	Start day.Day // of the unit
	Steps []FunnelStep
	Raw   json.RawMessage // the exact text, which contains more than the steps
}

// FunnelStep is the number of people who took a step of a funnel.
type FunnelStep struct {
	Event         string        // "$custom_event:12345" for a custom event
	Label         string        // display name of the event
	Count         int64         // of people
	FromPrevious  float64       // fraction of the people of the previous step, 0 to 1
	FromStart     float64       // fraction of the people of the first step, 0 to 1
	AfterPrevious time.Duration // mean time since the previous step; 0 if Mixpanel sends none
	AfterStart    time.Duration // mean time since the first step; 0 if Mixpanel sends none
}

// FunnelList returns the saved funnels of the project. For errors, see [Client.EventNames].
func (c *Client) FunnelList(ctx context.Context, project int64) ([]SavedFunnel, error) {
	return query(ctx, c, "funnels/list", newParams(project), readList(readSavedFunnel))
}

func readSavedFunnel(raw json.RawMessage) (SavedFunnel, string, error) {
	var f SavedFunnel
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, "", err
	}
	key, err := idKey(f.ID)
	return f, key, err
}

// Funnel counts the people who went through a saved funnel. The periods are in ascending order. For errors, see
// [Client.EventNames].
func (c *Client) Funnel(ctx context.Context, r FunnelRequest) ([]FunnelPeriod, error) {
	return query(ctx, c, "funnels", r.params(), readFunnel)
}

func (r FunnelRequest) params() *params {
	p := newParams(r.Project)
	if r.Funnel <= 0 {
		p.refuse("%d is not a funnel id", r.Funnel)
	}
	p.Set("funnel_id", strconv.FormatInt(r.Funnel, 10))
	p.days(r.Days)
	p.oneOf("unit", string(r.Unit), string(UnitDay), string(UnitWeek), string(UnitMonth))
	p.optional("where", r.Where)
	return p
}

// funnelAnswer is the form of the response.
type funnelAnswer struct {
	Data map[day.Day]json.RawMessage `json:"data"`
}

type funnelStep struct {
	Event            string  `json:"event"`
	Goal             string  `json:"goal"`
	Label            string  `json:"step_label"`
	Count            int64   `json:"count"`
	StepConvRatio    float64 `json:"step_conv_ratio"`
	OverallConvRatio float64 `json:"overall_conv_ratio"`
	AvgTime          seconds `json:"avg_time"`
	AvgTimeFromStart seconds `json:"avg_time_from_start"`
}

// seconds may have a fraction; null means 0.
type seconds float64

func (s seconds) duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

func readFunnel(answer []byte) ([]FunnelPeriod, error) {
	f, err := decode[funnelAnswer](answer)
	if err != nil {
		return nil, err
	}
	if f.Data == nil {
		return nil, notUnderstood(errors.New("no data"))
	}
	periods := make([]FunnelPeriod, 0, len(f.Data))
	for start, raw := range f.Data {
		var p struct {
			Steps []funnelStep `json:"steps"`
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, notUnderstood(err)
		}
		if p.Steps == nil {
			return nil, notUnderstood(errors.New("a period has no steps"))
		}
		steps := make([]FunnelStep, len(p.Steps))
		for i, s := range p.Steps {
			steps[i] = s.step()
		}
		periods = append(periods, FunnelPeriod{start, steps, raw})
	}
	slices.SortFunc(periods, func(a, b FunnelPeriod) int { return cmp.Compare(a.Start, b.Start) })
	return periods, nil
}

func (s funnelStep) step() FunnelStep {
	event := cmp.Or(s.Event, s.Goal)
	return FunnelStep{
		Event:         event,
		Label:         cmp.Or(s.Label, event),
		Count:         s.Count,
		FromPrevious:  s.StepConvRatio,
		FromStart:     s.OverallConvRatio,
		AfterPrevious: s.AvgTime.duration(),
		AfterStart:    s.AvgTimeFromStart.duration(),
	}
}
