package mixpanel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Analysis selects what is counted. "" means [AnalysisGeneral].
type Analysis string

// The analyses.
const (
	AnalysisGeneral Analysis = "general" // events
	AnalysisUnique  Analysis = "unique"  // people with the event
	AnalysisAverage Analysis = "average" // events per person
)

// TopEvent is an event of today. Amount is exact; with [AnalysisAverage] it can have a fraction.
type TopEvent struct {
	Event         string      `json:"event"`
	Amount        json.Number `json:"amount"`
	PercentChange float64     `json:"percent_change"` // since yesterday: 0.5 means 50 % more
}

// PropertyCount is the number of events with a property.
type PropertyCount struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// EventNames returns the names of the most common events of the last 31 days, at most limit; 0 means Mixpanel's
// default of 255. It does not include events that are hidden in Mixpanel. Errors, as in all calls of the Query API,
// name the call and wrap an [*Error], or the cause with which ctx ended.
func (c *Client) EventNames(ctx context.Context, project int64, limit int) ([]string, error) {
	p := newParams(project)
	p.analysis(AnalysisGeneral)
	p.limit(limit)
	return query(ctx, c, "events/names", p, decode[[]string])
}

// TopEvents returns today's most common events, at most limit; 0 means Mixpanel's default of 100. For errors, see
// [Client.EventNames].
func (c *Client) TopEvents(ctx context.Context, project int64, count Analysis, limit int) ([]TopEvent, error) {
	p := newParams(project)
	p.analysis(orDefault(count, AnalysisGeneral))
	p.limit(limit)
	return query(ctx, c, "events/top", p, readTopEvents)
}

// EventProperties returns the most common properties of events with this name, most common first, at most limit; 0
// means Mixpanel's default of 10. For errors, see [Client.EventNames].
func (c *Client) EventProperties(ctx context.Context, project int64, event string, limit int) ([]PropertyCount, error) {
	p := newParams(project)
	p.required("event", event)
	p.limit(limit)
	return query(ctx, c, "events/properties/top", p, readProperties)
}

// PropertyValues returns the most common values of a property of events with this name, at most limit; 0 means
// Mixpanel's default of 255. Values that are not text are returned as JSON. For errors, see [Client.EventNames].
func (c *Client) PropertyValues(ctx context.Context, project int64, event, property string, limit int) ([]string, error) {
	p := newParams(project)
	p.required("event", event)
	p.required("name", property)
	p.limit(limit)
	return query(ctx, c, "events/properties/values", p, readValues)
}

// analysis sets what is counted; "" omits the parameter.
func (p *params) analysis(a Analysis) {
	p.oneOf("type", string(a), string(AnalysisGeneral), string(AnalysisUnique), string(AnalysisAverage))
}

func readTopEvents(answer []byte) ([]TopEvent, error) {
	top, err := decode[struct {
		Events []TopEvent `json:"events"`
	}](answer)
	if err == nil && top.Events == nil {
		err = notUnderstood(errors.New("no events"))
	}
	return top.Events, err
}

func readProperties(answer []byte) ([]PropertyCount, error) {
	byName, err := decode[map[string]struct {
		Count *int64 `json:"count"`
	}](answer)
	if err != nil {
		return nil, err
	}
	counts := make([]PropertyCount, 0, len(byName))
	for name, p := range byName {
		if p.Count == nil { // as in {"error":{"code":500}}
			return nil, notUnderstood(errors.New("a property has no count"))
		}
		counts = append(counts, PropertyCount{name, *p.Count})
	}
	slices.SortFunc(counts, func(a, b PropertyCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return counts, nil
}

func readValues(answer []byte) ([]string, error) {
	raw, err := decode[[]json.RawMessage](answer)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(raw))
	for i, v := range raw {
		values[i] = rawText(v)
	}
	return values, nil
}
