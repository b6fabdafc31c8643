package mixpanel

import (
	"context"
	"encoding/json"
	"errors"

	"mixduck/internal/day"
)

// CountsRequest selects events to count by unit of time.
type CountsRequest struct {
	Project int64
	Events  []string  // names; at least one
	Days    day.Range // in the zone of the project's dates in Mixpanel; not empty
	Unit    Unit      // minute, hour, day, week or month; "" means day
	Type    Analysis
}

// EventCounts counts events. The segments of the result are the names. Mixpanel rejects a request with too many names:
// see [Client.CountsParts]. For errors, see [Client.EventNames].
func (c *Client) EventCounts(ctx context.Context, r CountsRequest) (Segmentation, error) {
	return query(ctx, c, "events", r.params(), readSegmentation)
}

func (r CountsRequest) params() *params {
	p := newParams(r.Project)
	if len(r.Events) == 0 {
		p.refuse("no event is given")
	}
	p.texts("event", "event name", r.Events)
	p.spans(r.Days, r.Unit, r.Type)
	return p
}

// PropertyCountsRequest selects a property whose values to count by unit of time.
type PropertyCountsRequest struct {
	Project  int64
	Event    string    // a name
	Property string    // a name
	Values   []string  // empty means the most common ones
	Days     day.Range // in the zone of the project's dates in Mixpanel; not empty
	Unit     Unit      // minute, hour, day, week or month; "" means day
	Type     Analysis
	Limit    int // maximum number of values, most common first; 0 means Mixpanel's default of 255
}

// PropertyCounts counts the events for each value of a property. The segments of the result are the values. For
// errors, see [Client.EventNames].
func (c *Client) PropertyCounts(ctx context.Context, r PropertyCountsRequest) (Segmentation, error) {
	p := newParams(r.Project)
	p.required("event", r.Event)
	p.required("name", r.Property)
	if len(r.Values) > 0 {
		p.texts("values", "value", r.Values)
	}
	p.spans(r.Days, r.Unit, r.Type)
	p.limit(r.Limit)
	return query(ctx, c, "events/properties", p, readSegmentation)
}

// spans sets what these two calls require, and what is optional for segmentation.
func (p *params) spans(days day.Range, unit Unit, count Analysis) {
	p.days(days)
	p.oneOf("unit", string(orDefault(unit, UnitDay)), string(UnitMinute), string(UnitHour), string(UnitDay), string(UnitWeek), string(UnitMonth))
	p.analysis(orDefault(count, AnalysisGeneral))
}

// NumericRequest selects numbers of events to sum up, or to group into buckets.
type NumericRequest struct {
	Project int64
	Event   string
	Days    day.Range // in the zone of the project's dates in Mixpanel; not empty
	On      string    // a numeric expression; not empty
	Where   string    // an expression that events must satisfy; "" means no condition
	Unit    Unit      // hour or day; "" means day
	Type    Analysis  // only for buckets
}

func (r NumericRequest) params() *params {
	p := newParams(r.Project)
	p.required("event", r.Event)
	p.days(r.Days)
	p.required("on", r.On)
	p.optional("where", r.Where)
	p.oneOf("unit", string(r.Unit), string(UnitHour), string(UnitDay))
	p.analysis(r.Type)
	return p
}

// NumericBuckets counts events by buckets of a number. The segments of the result are the buckets. For errors, see
// [Client.EventNames].
func (c *Client) NumericBuckets(ctx context.Context, r NumericRequest) (Segmentation, error) {
	return query(ctx, c, "segmentation/numeric", r.params(), readSegmentation)
}

// NumericSum sums up a number of events, by the start of each unit of time. For errors, see [Client.EventNames].
func (c *Client) NumericSum(ctx context.Context, r NumericRequest) (map[string]json.Number, error) {
	return query(ctx, c, "segmentation/sum", r.params().without("type"), readNumbers)
}

// NumericAverage averages a number of events, by the start of each unit of time. For errors, see [Client.EventNames].
func (c *Client) NumericAverage(ctx context.Context, r NumericRequest) (map[string]json.Number, error) {
	return query(ctx, c, "segmentation/average", r.params().without("type"), readNumbers)
}

// without rejects a parameter that other calls accept.
func (p *params) without(key string) *params {
	if p.Has(key) {
		p.refuse("%s is only for buckets", key)
	}
	return p
}

func readNumbers(answer []byte) (map[string]json.Number, error) {
	sent, err := decode[struct {
		Status  string                 `json:"status"`
		Results map[string]json.Number `json:"results"`
	}](answer)
	switch {
	case err != nil:
		return nil, err
	case sent.Results == nil:
		return nil, notUnderstood(errors.New("no results"))
	case sent.Status != "ok":
		return nil, notUnderstood(errors.New("the status is not ok"))
	}
	return sent.Results, nil
}
