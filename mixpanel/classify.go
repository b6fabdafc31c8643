package mixpanel

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// How long to pause when the server says that a limit is reached, but not for how long.
const (
	quotaPause = 5 * time.Minute
	busyPause  = 15 * time.Second
)

var daysBackPattern = regexp.MustCompile(`exceeds ([0-9]{1,6}) days`)

// classify interprets a response with a status other than 200. An error is temporary unless it is known to be
// permanent, because Mixpanel returns 400 for some of its own problems. Unless another source is named, the rules come
// from Mixpanel's documentation of the raw export API, its rate limits and its errors.
func classify(status int, h http.Header, body []byte, now time.Time) *Error {
	text := errorText(body)
	e := &Error{
		Action: Retry, Reason: ReasonServer, Status: status, Message: clean(text), Limits: parseLimits(h),
	}
	e.After, _ = retryAfter(h, now)
	known, isKnown := judge(text)
	switch {
	case status == http.StatusTooManyRequests:
		e.limit(known)
	case status == http.StatusPaymentRequired:
		e.is(verdict{GiveUp, ReasonPlan, false})
	case status == http.StatusNotFound:
		e.is(verdict{GiveUp, ReasonNotFound, false})
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		e.is(verdict{Retry, ReasonTimeout, true})
	case status >= 500:
		// Before the text is checked: "unable to authenticate" does not mean wrong credentials when their server is
		// down.
		e.is(verdict{Retry, ReasonServer, true})
	case status == http.StatusUnauthorized:
		e.is(verdict{GiveUp, ReasonAuth, false})
	case status >= 400 && isKnown:
		e.is(known)
	case lasting(status):
		e.is(verdict{GiveUp, ReasonBadRequest, false})
	case status == http.StatusForbidden:
		// "The credentials were understood, but the request is not permitted."
		e.is(verdict{GiveUp, ReasonAuth, false})
	case status >= 400:
		e.is(verdict{Retry, ReasonBadRequest, false})
	}
	e.readDaysBack(text)
	return e
}

// lasting reports whether the same request will always be rejected with this status, whatever the text says: because
// of its method, form or size (RFC 9110, RFC 6585), or by a proxy that requires credentials.
func lasting(status int) bool {
	switch status {
	case http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusLengthRequired, http.StatusRequestEntityTooLarge,
		http.StatusRequestURITooLong, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}

// verdict is the part of an Error that follows from the text.
type verdict struct {
	action  Action
	reason  Reason
	smaller bool
}

func (e *Error) is(v verdict) {
	e.Action, e.Reason, e.Smaller = v.action, v.reason, v.smaller
	switch {
	case v.action == GiveUp:
		e.After = 0
	case v.action != Pause || e.After > 0:
	case v.reason == ReasonBusy:
		e.After = busyPause
	default:
		e.After = quotaPause
	}
}

// judge looks for a known phrase in the text of a rejection, and returns false if there is none. The phrases come from
// Mixpanel's documentation, and from responses published by users of its API.
func judge(text string) (verdict, bool) {
	text = strings.ToLower(text)
	has := func(phrase string) bool { return strings.Contains(text, phrase) }
	switch {
	case has("unable to authenticate"), has("invalid service account credentials"), has("invalid credentials"):
		return verdict{GiveUp, ReasonAuth, false}, true
	case has("for cluster"), has("invalid project id"), has("invalid project_id"):
		return verdict{GiveUp, ReasonRegion, false}, true
	case has("later than today"):
		return verdict{GiveUp, ReasonFuture, false}, true
	case has("date range exceeds"):
		return verdict{GiveUp, ReasonTooOld, false}, true
	case has("requests in progress"):
		return verdict{Pause, ReasonBusy, false}, true
	case has("rate limit"), has("quota"):
		return verdict{Pause, ReasonQuota, false}, true
	case has("uncached query"): // full text: "request for page in uncached query for params"
		return verdict{Retry, ReasonSession, false}, true
	case has("timeout error"):
		return verdict{Retry, ReasonTimeout, true}, true
	case has("terminated early"):
		return verdict{Retry, ReasonTruncated, true}, true
	}
	return verdict{}, false
}

// limit finds the limit that a 429 is about, first in the headers, then in the text. If neither names it, the 429 is
// an ordinary failure, which backing off and smaller requests may solve.
func (e *Error) limit(known verdict) {
	full, isFull := exhausted(e.Limits)
	v := verdict{Pause, ReasonQuota, false}
	switch {
	case isFull && full.concurrent(), !isFull && known.reason == ReasonBusy:
		v.reason = ReasonBusy
	case isFull, known.reason == ReasonQuota, e.After > 0:
	default:
		v.action, v.smaller = Retry, true
	}
	if e.After == 0 {
		e.After = full.Reset
	}
	e.is(v)
}

// readDaysBack reads how far back a project may request, as in "Date range exceeds 365 days into the past".
func (e *Error) readDaysBack(text string) {
	if e.Reason != ReasonTooOld {
		return
	}
	if m := daysBackPattern.FindStringSubmatch(text); m != nil {
		e.MaxAgeDays, _ = strconv.Atoi(m[1]) // the pattern matches only digits
	}
}

// errorText returns the message in a body: the "error" of a JSON object, otherwise the text itself, and nothing for an
// HTML page.
func errorText(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		return ""
	}
	var object struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &object) != nil {
		return text
	}
	if s := rawText(object.Error); s != "" {
		return s
	}
	if object.Message != "" {
		return object.Message
	}
	return text
}

// rawText returns the string in raw, or raw itself if it is not a string.
func rawText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
