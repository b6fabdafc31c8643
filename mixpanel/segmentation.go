package mixpanel

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"mixduck/internal/day"
)

// maxSegments is the maximum number of segments in Mixpanel's OpenAPI description of the Query API.
const maxSegments = 10_000

// Unit is the unit of time of a report.
type Unit string

// The units.
const (
	UnitMinute Unit = "minute"
	UnitHour   Unit = "hour"
	UnitDay    Unit = "day"
	UnitWeek   Unit = "week"
	UnitMonth  Unit = "month"
)

// SegmentationRequest says which events to count, and how. For expressions, see Mixpanel's reference of segmentation
// expressions.
type SegmentationRequest struct {
	Project int64
	Event   string
	Days    day.Range // in the zone of the project's dates in Mixpanel; not empty
	On      string    // an expression to count by, such as properties["$os"]; "" counts all events together
	Where   string    // an expression that events must satisfy; "" means no condition
	Unit    Unit      // minute, hour, day or month; "" means day
	Type    Analysis
	Limit   int // maximum number of segments with On, most common first, at most 10,000; 0 means Mixpanel's default of 60
}

// Segmentation is the number of events by segment and unit of time.
type Segmentation struct {
	// Series holds the starts of the units in ascending order, in Mixpanel's form: yyyy-mm-dd, with a time for hours
	// and minutes.
	Series []string `json:"series"`
	// Values holds the counts by segment and start of the unit. Without On there is one segment, the event's name.
	// Numbers are exact; with [AnalysisAverage] they can have a fraction.
	Values map[string]map[string]json.Number `json:"values"`
}

// Segmentation counts events. For errors, see [Client.EventNames].
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
