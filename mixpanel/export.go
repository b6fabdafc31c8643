package mixpanel

import (
	"context"
	"net/http"

	"mixduck/internal/day"
)

// ExportRequest selects events to export.
type ExportRequest struct {
	Project int64
	Days    day.Range // in the zone of the project's dates in Mixpanel; not empty
	Events  []string  // names; empty means all
	Where   string    // an expression as described in Mixpanel's reference of segmentation expressions; "" means no condition
	Limit   int       // maximum number of events, at most 100,000; 0 means all
}

// Export requests events and returns the body of the response as soon as its headers have arrived; the caller must
// close it. It delays requests so that this client stays below Mixpanel's limit of 3 per second and project. Errors
// are [*Error], or the cause with which ctx ended. When ctx ends, reads of the body also end at once.
func (c *Client) Export(ctx context.Context, r ExportRequest) (*Body, error) {
	params := r.params()
	if params.err != nil {
		return nil, params.err
	}
	if err := c.exports.wait(ctx, r.Project); err != nil {
		return nil, err
	}
	ctx, watch := newWatchdog(ctx)
	body, err := c.send(ctx, watch, request{http.MethodGet, c.exportURL + "?" + params.Encode(), nil})
	if err != nil {
		watch.release(nil)
		return nil, err
	}
	return body, nil
}

// params returns the parameters, named as in Mixpanel's OpenAPI description of the Event Export API.
func (r ExportRequest) params() *params {
	p := newParams(r.Project)
	p.days(r.Days)
	p.optional("where", r.Where)
	p.limit(r.Limit)
	if len(r.Events) > 0 {
		p.texts("event", "event name", r.Events)
	}
	return p
}
