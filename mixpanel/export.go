package mixpanel

import (
	"context"
	"net/http"

	"mixduck/internal/day"
)

// ExportRequest says which events to export.
type ExportRequest struct {
	Project int64
	Days    day.Range // in the zone in which Mixpanel takes the project's dates; not empty
	Events  []string  // names; none means all
	Where   string    // an expression as in Mixpanel's reference of segmentation expressions; "" means no condition
	Limit   int       // of events, at most 100,000; 0 means all
}

// Export asks for events and returns the body of the answer as soon as its headers are there; the caller closes it. It
// waits so that the requests of this client to one project keep Mixpanel's limit of 3 a second. Errors are [*Error], or
// the cause with which ctx ended; when ctx ends, reads of the body end at once, too.
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

// params returns the parameters as in Mixpanel's OpenAPI description of the Event Export API.
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
