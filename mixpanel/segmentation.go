package mixpanel

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"mixduck/internal/day"
)

// maxSegments is the highest limit of segments, by Mixpanel's OpenAPI description of the Query API.
const maxSegments = 10_000

// Unit is how long the spans are that a report counts in.
type Unit string

// The units.
const (
	UnitMinute Unit = "minute"
	UnitHour   Unit = "hour"
	UnitDay    Unit = "day"
	UnitWeek   Unit = "week"
	UnitMonth  Unit = "month"
)

// SegmentationRequest says which events to count, and how. Expressions are those of Mixpanel's reference of segmentation
// expressions.
type SegmentationRequest struct {
	Project int64
	Event   string
	Days    day.Range // in the zone in which Mixpanel takes the project's dates; not empty
	On      string    // an expression to count by, such as properties["$os"]; "" counts all events together
	Where   string    // an expression that events must fulfil; "" means no condition
	Unit    Unit      // minute, hour, day or month; "" means day
	Type    Analysis
	Limit   int // of segments, with On: the most common ones, at most 10,000; 0 means Mixpanel's default of 60
}

// Segmentation is how often an event happened, by segment and unit of time.
type Segmentation struct {
	// Series is the beginnings of the units, ascending, as Mixpanel writes them: yyyy-mm-dd, with a time for hours and
	// minutes.
	Series []string `json:"series"`
	// Values is counts by segment and beginning of the unit. Without On there is one segment, the event's name. Numbers
	// are exact; with [AnalysisAverage] they can have a fraction.
	Values map[string]map[string]json.Number `json:"values"`
}

// Segmentation counts events. Errors are as in [Client.EventNames].
func (c *Client) Segmentation(ctx context.Context, r SegmentationRequest) (Segmentation, error) {
	return query(ctx, c, "segmentation", r.params(), readSegmentation)
}

func (r SegmentationRequest) params() *params {
	p := newParams(r.Project)
	p.required("event", r.Event)
	p.days(r.Days)
	p.optional("on", r.On)
	p.optional("where", r.Where)
	p.oneOf("unit", string(r.Unit), string(UnitMinute), string(UnitHour), string(UnitDay), string(UnitMonth))
	p.analysis(r.Type)
	p.limit(r.Limit)
	if r.Limit > maxSegments {
		p.refuse("the limit %d is above %d", r.Limit, maxSegments)
	}
	return p
}

func readSegmentation(answer []byte) (Segmentation, error) {
	s, err := decode[struct {
		Data Segmentation `json:"data"`
	}](answer)
	if err == nil && s.Data.Values == nil {
		err = notUnderstood(errors.New("no values"))
	}
	slices.Sort(s.Data.Series)
	return s.Data, err
}
