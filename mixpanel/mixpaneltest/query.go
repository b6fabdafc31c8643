package mixpaneltest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"mixduck/internal/day"
)

// maxLimit is the maximum limit in Mixpanel's documentation of the raw export.
const maxLimit = 100_000

// query is an export request.
type query struct {
	days     day.Range
	filter   filter
	limit    int // 0 means no limit
	timeInMS bool
	page     int64 // of profiles
}

// parseQuery parses the parameters of a request, except project_id. It rejects everything that Mixpanel's
// documentation does not list, so a client cannot rely on parameters that are ignored.
func parseQuery(raw string) (query, *refusal) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, wrapped(http.StatusBadRequest, "malformed query: %v", err)
	}
	var q query
	for key, v := range values {
		if len(v) != 1 {
			return q, wrapped(http.StatusBadRequest, "parameter %s is given %d times", key, len(v))
		}
		if no := q.set(key, v[0]); no != nil {
			return q, no
		}
	}
	for _, key := range []string{"from_date", "to_date"} {
		if !values.Has(key) {
			return q, wrapped(http.StatusBadRequest, "%s is a required parameter", key)
		}
	}
	if q.days.From > q.days.To {
		return q, wrapped(http.StatusBadRequest, "from_date %s is after to_date %s", q.days.From, q.days.To)
	}
	return q, nil
}

// set parses one parameter.
func (q *query) set(key, value string) *refusal {
	var err error
	switch key {
	case "project_id":
	case "from_date":
		q.days.From, err = day.Parse(value)
	case "to_date":
		q.days.To, err = day.Parse(value)
	case "limit":
		q.limit, err = strconv.Atoi(value)
		if err == nil && (q.limit < 1 || q.limit > maxLimit) {
			return wrapped(http.StatusBadRequest, "limit must be between 1 and %d", maxLimit)
		}
	case "event":
		q.filter.events, err = parseEvents(value)
	case "where":
		return q.filter.parseWhere(value)
	case "time_in_ms":
		q.timeInMS = value == "true"
		if value != "true" && value != "false" {
			return wrapped(http.StatusBadRequest, "time_in_ms must be true or false, not %q", value)
		}
	default:
		return wrapped(http.StatusBadRequest, "unsupported parameter %s", key)
	}
	if err != nil {
		return wrapped(http.StatusBadRequest, "invalid %s: %v", key, err)
	}
	return nil
}

// parseEvents parses a JSON array of event names.
func parseEvents(text string) ([]string, error) {
	var names []*string // pointers distinguish null from ""
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, strconv.ErrRange
	}
	events := make([]string, len(names))
	for i, name := range names {
		if name == nil {
			return nil, strconv.ErrSyntax
		}
		events[i] = *name
	}
	return events, nil
}
