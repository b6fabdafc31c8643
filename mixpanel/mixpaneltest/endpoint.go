package mixpaneltest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/day"
)

// breakdownDays is the number of days, including today, covered by calls without dates. Mixpanel's OpenAPI description
// of the Query API says this for events/names.
const breakdownDays = 31

// endpoint is a call of the Query API. It accepts the parameters of Mixpanel's OpenAPI description, except some that
// narrow or shape a response: these are rejected, so a client cannot rely on them.
type endpoint struct {
	name         string
	method       string
	required     []string // parameters in addition to project_id
	optional     []string
	units        []string // values of the parameter unit; the first is the default
	defaultLimit int
	maxLimit     int  // 0 means none
	app          bool // of the application API: the project is in the path
	undated      bool // accepts any days
	answer       func(*call) (any, error)
}

// endpointOf returns the endpoint of that name, below QueryPath.
func endpointOf(name string) (endpoint, bool) {
	if e, known := savedEndpoint(name); known {
		return e, true
	}
	e := endpoint{name: name, method: http.MethodGet, optional: []string{"limit"}}
	switch name {
	case "events":
		e.required, e.optional = []string{"event", "type", "unit", "from_date", "to_date"}, nil
		e.units, e.answer = []string{"day", "minute", "hour", "week", "month"}, (*call).eventCounts
	case "events/properties":
		e.required = []string{"event", "name", "type", "unit", "from_date", "to_date"}
		e.optional = append(e.optional, "values")
		e.units, e.defaultLimit, e.answer = []string{"day", "minute", "hour", "week", "month"}, 255, (*call).propertyCounts
	case "segmentation/numeric":
		e.required, e.optional = []string{"event", "from_date", "to_date", "on"}, []string{"where", "unit", "type"}
		e.units, e.answer = []string{"day", "hour"}, (*call).buckets
	case "segmentation/sum":
		e.required, e.optional = []string{"event", "from_date", "to_date", "on"}, []string{"where", "unit"}
		e.units, e.answer = []string{"day", "hour"}, (*call).sum
	case "segmentation/average":
		e.required, e.optional = []string{"event", "from_date", "to_date", "on"}, []string{"where", "unit"}
		e.units, e.answer = []string{"day", "hour"}, (*call).average
	case "retention":
		e.required = []string{"from_date", "to_date", "born_event"}
		e.optional = []string{"retention_type", "event", "born_where", "where", "interval", "interval_count", "unit"}
		e.units, e.answer = []string{"day", "week", "month"}, (*call).retention
	case "events/names":
		e.required, e.defaultLimit, e.answer = []string{"type"}, 255, (*call).names
	case "events/top":
		e.required, e.defaultLimit, e.answer = []string{"type"}, 100, (*call).top
	case "events/properties/top":
		e.required, e.defaultLimit, e.answer = []string{"event"}, 10, (*call).properties
	case "events/properties/values":
		e.required, e.defaultLimit, e.answer = []string{"event", "name"}, 255, (*call).values
	case "segmentation":
		e.required = []string{"event", "from_date", "to_date"}
		e.optional = append(e.optional, "on", "where", "unit", "type")
		e.units = []string{"day", "minute", "hour", "month"}
		e.defaultLimit, e.maxLimit, e.answer = 60, 10_000, (*call).segmentation
	case "funnels":
		e.required = []string{"funnel_id", "from_date", "to_date"}
		e.optional = []string{"where", "unit"}
		e.units, e.answer = []string{"day", "week", "month"}, (*call).funnel
	case "funnels/list":
		e.optional, e.answer = nil, (*call).funnels
	default:
		return endpoint{}, false
	}
	return e, true
}

// savedEndpoint returns the endpoint of that name, if it returns saved data of a project. For the application API, the
// name is the part of the path after the project.
func savedEndpoint(name string) (endpoint, bool) {
	e := endpoint{name: name, method: http.MethodGet, undated: true}
	switch name {
	case "cohorts/list":
		e.method, e.answer = http.MethodPost, (*call).cohortList
	case "insights":
		e.required, e.answer = []string{"bookmark_id"}, (*call).insights
	case "annotations":
		e.app, e.optional, e.answer = true, []string{"fromDate", "toDate"}, (*call).annotationList
	case "schemas":
		e.app, e.answer = true, (*call).schemas
	case "bookmarks":
		e.app, e.required, e.optional, e.answer = true, []string{"v"}, []string{"type"}, (*call).bookmarks
	case lookupCall:
		e.answer = (*call).lookupTables
	default:
		return endpoint{}, false
	}
	return e, true
}

// call is a request to an endpoint.
type call struct {
	endpoint
	query    // days, limit and filter
	server   *Server
	project  *project
	kind     string // general, unique or average
	unit     string
	on       string // name of a property, or ""
	property string
	funnelID int64
	bookmark int64
	only     []string // values of the property
	dated    bool     // the request has days
	report   string   // a type of saved report
	version  string

	// For retention.
	back                []string
	bornWhere           filter
	interval, intervals int
}

// parseCall parses the parameters of a request, except project_id. today is that of the project.
func parseCall(e endpoint, raw string, today day.Day) (call, *refusal) {
	c := call{endpoint: e, kind: "general", interval: 1, intervals: 1}
	c.days = day.Range{From: today - breakdownDays + 1, To: today}
	c.limit = e.defaultLimit
	if len(e.units) > 0 {
		c.unit = e.units[0]
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return c, wrapped(http.StatusBadRequest, "malformed query: %v", err)
	}
	for key, v := range values {
		if len(v) != 1 {
			return c, wrapped(http.StatusBadRequest, "parameter %s is given %d times", key, len(v))
		}
		if key == "project_id" && !e.app {
			continue
		}
		if !slices.Contains(e.required, key) && !slices.Contains(e.optional, key) {
			return c, wrapped(http.StatusBadRequest, "unsupported parameter %s", key)
		}
		if no := c.set(key, v[0]); no != nil {
			return c, no
		}
	}
	for _, key := range e.required {
		if values.Get(key) == "" {
			return c, wrapped(http.StatusBadRequest, "%s is a required parameter", key)
		}
	}
	if c.days.From > c.days.To {
		return c, wrapped(http.StatusBadRequest, "from_date %s is after to_date %s", c.days.From, c.days.To)
	}
	return c, nil
}

// set parses one parameter.
func (c *call) set(key, value string) *refusal {
	var err error
	switch key {
	case "event":
		switch c.name {
		case "events":
			c.filter.events, err = parseEvents(value)
		case "retention":
			c.back = []string{value}
		default:
			c.filter.events = []string{value}
		}
	case "name":
		c.property = value
	case "from_date":
		c.days.From, err = day.Parse(value)
	case "to_date":
		c.days.To, err = day.Parse(value)
	case "funnel_id":
		c.funnelID, err = strconv.ParseInt(value, 10, 64)
	case "limit":
		c.limit, err = strconv.Atoi(value)
		if err == nil && (c.limit < 1 || c.maxLimit > 0 && c.limit > c.maxLimit) {
			return wrapped(http.StatusBadRequest, "limit %d is out of range", c.limit)
		}
	case "type":
		if c.app {
			c.report = value
			return nil
		}
		c.kind = value
		return oneOf(key, value, []string{"general", "unique", "average"})
	case "unit":
		c.unit = value
		return oneOf(key, value, c.units)
	case "where":
		return c.filter.parseWhere(value)
	case "on":
		var ok bool
		if c.on, ok = parseOn(value); !ok {
			return wrapped(http.StatusBadRequest, "this stand-in does not know the expression %s", value)
		}
	default:
		return c.setRare(key, value)
	}
	if err != nil {
		return wrapped(http.StatusBadRequest, "invalid %s: %v", key, err)
	}
	return nil
}

// setRare parses a parameter that few calls accept.
func (c *call) setRare(key, value string) *refusal {
	var err error
	switch key {
	case "born_event":
		c.filter.events = []string{value}
	case "born_where":
		return c.bornWhere.parseWhere(value)
	case "values":
		c.only, err = parseEvents(value)
	case "interval":
		c.interval, err = positive(value, 90)
	case "interval_count":
		c.intervals, err = positive(value, 90)
	case "retention_type":
		return oneOf(key, value, []string{"birth"})
	case "fromDate":
		c.dated = true
		c.days.From, err = day.Parse(value)
	case "toDate":
		c.dated = true
		c.days.To, err = day.Parse(value)
	case "bookmark_id":
		c.bookmark, err = strconv.ParseInt(value, 10, 64)
	case "v":
		c.version = value
	}
	if err != nil {
		return wrapped(http.StatusBadRequest, "invalid %s: %v", key, err)
	}
	return nil
}

// positive parses a number from 1 to most.
func positive(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > most) {
		err = strconv.ErrRange
	}
	return n, err
}

func oneOf(key, value string, known []string) *refusal {
	if slices.Contains(known, value) {
		return nil
	}
	return wrapped(http.StatusBadRequest, "%s must be one of %s, not %q", key, strings.Join(known, ", "), value)
}
