package mixpanel

import (
	"context"
	"encoding/json"
	"errors"

	"mixduck/internal/day"
)

// CountsRequest says which events to count, by unit of time.
type CountsRequest struct {
	Project int64
	Events  []string  // names; at least one
	Days    day.Range // in the zone in which Mixpanel takes the project's dates; not empty
	Unit    Unit      // minute, hour, day, week or month; "" means day
	Type    Analysis
}

// EventCounts counts events; the segments of the answer are the names. Mixpanel refuses a request with too many names: see
// [Client.CountsParts]. Errors are as in [Client.EventNames].
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

// PropertyCountsRequest says of which property to count the values, by unit of time.
type PropertyCountsRequest struct {
	Project  int64
	Event    string    // a name
	Property string    // a name
	Values   []string  // none means the most common ones
	Days     day.Range // in the zone in which Mixpanel takes the project's dates; not empty
	Unit     Unit      // minute, hour, day, week or month; "" means day
	Type     Analysis
	Limit    int // of values: the most common ones; 0 means Mixpanel's default of 255
}

// PropertyCounts counts the events that have each value of a property; the segments of the answer are the values. Errors are as in
// [Client.EventNames].
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

// spans sets what these two calls require, where segmentation has defaults.
func (p *params) spans(days day.Range, unit Unit, count Analysis) {
	p.days(days)
	p.oneOf("unit", string(orDefault(unit, UnitDay)), string(UnitMinute), string(UnitHour), string(UnitDay), string(UnitWeek), string(UnitMonth))
	p.analysis(orDefault(count, AnalysisGeneral))
}

// NumericRequest says which numbers of events to add up, or to put into buckets.
type NumericRequest struct {
	Project int64
	Event   string
	Days    day.Range // in the zone in which Mixpanel takes the project's dates; not empty
	On      string    // an expression that is a number; not empty
	Where   string    // an expression that events must fulfil; "" means no condition
	Unit    Unit      // hour or day; "" means day
	Type    Analysis  // of buckets only
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

// NumericBuckets counts events by buckets of a number; the segments of the answer are the buckets. Errors are as in
// [Client.EventNames].
func (c *Client) NumericBuckets(ctx context.Context, r NumericRequest) (Segmentation, error) {
	return query(ctx, c, "segmentation/numeric", r.params(), readSegmentation)
}

// NumericSum adds up a number of events, by the beginning of each unit of time. Errors are as in [Client.EventNames].
func (c *Client) NumericSum(ctx context.Context, r NumericRequest) (map[string]json.Number, error) {
	return query(ctx, c, "segmentation/sum", r.params().without("type"), readNumbers)
}

// NumericAverage averages a number of events, by the beginning of each unit of time. Errors are as in [Client.EventNames].
func (c *Client) NumericAverage(ctx context.Context, r NumericRequest) (map[string]json.Number, error) {
	return query(ctx, c, "segmentation/average", r.params().without("type"), readNumbers)
}

// without refuses a parameter that other calls take.
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
