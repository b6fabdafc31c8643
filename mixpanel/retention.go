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

// RetentionRequest says whose return to count.
type RetentionRequest struct {
	Project int64
	Born    string    // the event by which people are taken in; not empty
	Return  string    // the event that counts as a return; "" means any
	Days    day.Range // on which people are taken in, in the zone in which Mixpanel takes the project's dates; not empty
	// BornWhere and ReturnWhere are expressions that the events must fulfil; "" means no condition.
	BornWhere, ReturnWhere string
	Unit                   Unit // day, week or month; "" means day
	Interval               int  // of units in an interval; 0 means 1
	Intervals              int  // how many intervals to count; 0 means 1
}

// RetentionPeriod is how many of the people who were taken in on one day, or in one interval, returned.
type RetentionPeriod struct {
	Start  day.Day
	First  int64           // people who were taken in
	Counts []int64         // those who returned, by interval since
	Raw    json.RawMessage // the exact text
}

// Retention counts people who came back; the periods are ascending. Errors are as in [Client.EventNames].
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

// count sets a number; 0 leaves it out.
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
