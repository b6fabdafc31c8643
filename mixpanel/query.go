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

// endpoint is something that Mixpanel answers in one piece.
type endpoint struct {
	method string
	name   string // in errors
	url    string // without parameters
	limit  string // how much Mixpanel allows a project, in words; "" for what it does not say
	// enter waits until the project may ask. It returns the cause with which ctx ended.
	enter func(ctx context.Context, project int64) (leave func(), err error)
}

// call returns a call of the Query API. It waits while as many calls for the project are under way as Mixpanel allows.
func (c *Client) call(method, path string) endpoint {
	return endpoint{method, path, c.queryURL + "/" + path, queryLimit, c.queries.enter}
}

// queryLimit is from Mixpanel's documentation of its rate limits.
const queryLimit = "60 queries per hour"

// query makes one call of the Query API with GET and reads its answer. Errors are as those of ask.
func query[T any](ctx context.Context, c *Client, path string, p *params, read func(answer []byte) (T, error)) (T, error) {
	return ask(ctx, c, c.call(http.MethodGet, path), p, read)
}

// ask asks an endpoint and reads its answer. Errors name the endpoint and have an [*Error] below, or the cause with which ctx ended.
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

// answer returns the whole of a good answer.
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
	defer func() { _ = body.Close() }() // all that counts has been read
	text, err := body.text()
	if err != nil {
		return nil, err
	}
	return text, c.reported(text)
}

// reported is the error that an answer with status 200 holds in place of a result, as {"error": "…"}; nil if it holds
// none. A property may be named error, but then what stands there is no text.
func (c *Client) reported(answer []byte) error {
	var object struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(answer, &object) // an answer of another form holds none
	if object.Error == "" {
		return nil
	}
	e := classify(http.StatusBadRequest, nil, []byte(c.redact(object.Error)), time.Now())
	e.Status = http.StatusOK
	return e
}

// decode reads an answer whose form is that of T. An answer that says nothing is none.
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

// notUnderstood is an answer with status 200 that is not what was asked for.
func notUnderstood(err error) *Error {
	return &Error{
		Action: Retry, Reason: ReasonServer, Status: http.StatusOK,
		Message: clean("unexpected response: " + err.Error()), err: err,
	}
}

// queryHint is [Error.Hint] where an export's would be wrong; limit is how much Mixpanel allows.
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
