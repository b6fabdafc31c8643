package mixpanel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"mixduck/internal/fault"
)

// endpoint is a resource that Mixpanel returns in a single response.
type endpoint struct {
	method string
	name   string // for errors
	url    string // without parameters
	limit  string // Mixpanel's limit per project, in words; "" if unknown
	// enter waits until the project may send a request. It returns the cause with which ctx ended.
	enter func(ctx context.Context, project int64) (leave func(), err error)
}

// call returns a call of the Query API. It waits while as many calls of the project are running as Mixpanel allows.
func (c *Client) call(method, path string) endpoint {
	return endpoint{method, path, c.queryURL + "/" + path, queryLimit, c.queries.enter}
}

// queryLimit is from Mixpanel's documentation of its rate limits.
const queryLimit = "60 queries per hour"

// query calls the Query API with GET and parses the response. For errors, see ask.
func query[T any](ctx context.Context, c *Client, path string, p *params, read func(answer []byte) (T, error)) (T, error) {
	return ask(ctx, c, c.call(http.MethodGet, path), p, read)
}

// ask calls an endpoint and parses the response. Errors name the endpoint and wrap an [*Error], or the cause with
// which ctx ended.
func ask[T any](ctx context.Context, c *Client, to endpoint, p *params, read func(answer []byte) (T, error)) (T, error) {
	var result T
	answer, err := c.answer(ctx, to, p)
	if err == nil {
		result, err = read(answer)
	}
	if err != nil {
		var none T
		return none, fault.New(fault.CodeOf(err), queryHint(err, to.limit), "query %s: %w", to.name, err)
	}
	return result, nil
}

// answer returns a complete, successful response.
func (c *Client) answer(ctx context.Context, to endpoint, p *params) ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	leave, err := to.enter(ctx, p.project)
	if err != nil {
		return nil, err
	}
	defer leave()
	late := timeoutError("no complete response within %s", c.queryTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, c.queryTimeout, late)
	defer cancel()
	ctx, watch := newWatchdog(ctx)
	defer watch.release(nil)
	target := to.url
	if len(p.Values) > 0 {
		target += "?" + p.Encode()
	}
	body, err := c.send(ctx, watch, request{to.method, target, nil})
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }() // everything relevant has been read
	text, err := body.text()
	if err != nil {
		return nil, err
	}
	return text, c.reported(text)
}

// reported returns the error in a response with status 200, such as {"error": "…"}, or nil. A property can also be
// called error, but then its value is not a text.
func (c *Client) reported(answer []byte) error {
	var object struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(answer, &object) // responses of another form contain no error
	if object.Error == "" {
		return nil
	}
	e := classify(http.StatusBadRequest, nil, []byte(c.redact(object.Error)), time.Now())
	e.Status = http.StatusOK
	return e
}

// decode parses a response into T. An empty response is an error.
func decode[T any](answer []byte) (T, error) {
	var v T
	if bytes.Equal(bytes.TrimSpace(answer), []byte("null")) {
		return v, notUnderstood(errors.New("null"))
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return v, notUnderstood(err)
	}
	return v, nil
}

// notUnderstood is the error for a response with status 200 and unexpected content.
func notUnderstood(err error) *Error {
	return &Error{
		Action: Retry, Reason: ReasonServer, Status: http.StatusOK,
		Message: clean("unexpected response: " + err.Error()), err: err,
	}
}

// queryHint replaces [Error.Hint] where an export's hint would be wrong; limit is Mixpanel's limit in words.
func queryHint(err error, limit string) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return ""
	}
	switch e.Reason {
	case ReasonPlan:
		return "choose a plan with the Query API in Mixpanel's billing settings"
	case ReasonQuota:
		if limit == "" {
			return "wait " + e.wait()
		}
		return "wait " + e.wait() + "; Mixpanel allows " + limit + " for a project"
	case ReasonBusy:
		return "wait until other queries of this project finish; Mixpanel allows 5 at the same time"
	case ReasonBadRequest:
		return "check the names, the days and the expressions; if the response is too large, request less"
	case ReasonNotFound:
		return "check the project id, the region and the ids"
	case ReasonTimeout, ReasonTruncated:
		return "try again, or request fewer days"
	case ReasonSession:
		return e.Hint()
	default:
		return ""
	}
}
