package mixpanel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"mixduck/internal/day"
)

// RetentionRequest says which returns to count.
type RetentionRequest struct {
	Project int64
	Born    string    // the event that starts the count for a person; not empty
	Return  string    // the event that counts as a return; "" means any
	Days    day.Range // the days of the first event, in the zone of the project's dates in Mixpanel; not empty
	// BornWhere and ReturnWhere are expressions that the events must satisfy; "" means no condition.
	BornWhere, ReturnWhere string
	Unit                   Unit // day, week or month; "" means day
	Interval               int  // units per interval; 0 means 1
	Intervals              int  // number of intervals to count; 0 means 1
}

// RetentionPeriod is how many of the people with a first event on one day, or in one interval, returned.
type RetentionPeriod struct {
	Start  day.Day
	First  int64           // people with a first event
	Counts []int64         // people who returned, by interval since then
	Raw    json.RawMessage // the exact text
}

// Retention counts people who came back. The periods are in ascending order. For errors, see [Client.EventNames].
func (c *Client) Retention(ctx context.Context, r RetentionRequest) ([]RetentionPeriod, error) {
	return query(ctx, c, "retention", r.params(), readRetention)
}

func (r RetentionRequest) params() *params {
	p := newParams(r.Project)
	p.days(r.Days)
	p.Set("retention_type", "birth")
	p.required("born_event", r.Born)
	p.optional("event", r.Return)
	p.optional("born_where", r.BornWhere)
	p.optional("where", r.ReturnWhere)
	p.oneOf("unit", string(r.Unit), string(UnitDay), string(UnitWeek), string(UnitMonth))
	p.count("interval", r.Interval)
	p.count("interval_count", r.Intervals)
	return p
}

// count sets a number; 0 omits the parameter.
func (p *params) count(key string, n int) {
	if n < 0 {
		p.refuse("%s %d is negative", key, n)
	}
	if n > 0 {
		p.Set(key, strconv.Itoa(n))
	}
}

func readRetention(answer []byte) ([]RetentionPeriod, error) {
	byStart, err := decode[map[string]json.RawMessage](answer)
	if err != nil {
		return nil, err
	}
	periods := make([]RetentionPeriod, 0, len(byStart))
	for start, raw := range byStart {
		from, err := day.Parse(start)
		if err != nil {
			return nil, notUnderstood(err)
		}
		var sent struct {
			First  *int64  `json:"first"`
			Counts []int64 `json:"counts"`
		}
		if err := json.Unmarshal(raw, &sent); err != nil {
			return nil, notUnderstood(err)
		}
		if sent.First == nil {
			return nil, notUnderstood(errors.New("a period has no first"))
		}
		periods = append(periods, RetentionPeriod{from, *sent.First, sent.Counts, raw})
	}
	slices.SortFunc(periods, func(a, b RetentionPeriod) int { return cmp.Compare(a.Start, b.Start) })
	return periods, nil
}
