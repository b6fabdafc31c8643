package mixpaneltest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// engageQuery is a request for profiles.
type engageQuery struct {
	page      int64
	sessionID string

	where      selector
	output     []string
	ids        []string
	byID       bool
	group      string
	cohort     int64
	hasProfile bool // omit members without a profile
	behaviors  []behavior
	asOf       time.Time
}

// behavior counts events of users, as in the parameter behaviors of a request.
type behavior struct {
	Window    string `json:"window"`
	Name      string `json:"name"`
	Selectors []struct {
		Event string `json:"event"`
	} `json:"event_selectors"`

	days int
}

var windowPattern = regexp.MustCompile(`^([1-9][0-9]{0,2})d$`)

// parseEngage parses the form of a request for profiles. It accepts the parameters of Mixpanel's OpenAPI description
// of the Query API, and rejects conflicting ones.
func parseEngage(form url.Values) (engageQuery, *refusal) {
	var q engageQuery
	for key, v := range form {
		if len(v) != 1 {
			return q, wrapped(http.StatusBadRequest, "parameter %s is given %d times", key, len(v))
		}
		if no := q.set(key, v[0]); no != nil {
			return q, no
		}
	}
	bad := func(text string) (engageQuery, *refusal) { return q, wrapped(http.StatusBadRequest, "%s", text) }
	switch {
	case form.Has("distinct_id") && form.Has("distinct_ids"):
		return bad("distinct_id and distinct_ids are mutually exclusive")
	case form.Has("behaviors") && form.Has("filter_by_cohort"):
		return bad("behaviors and filter_by_cohort are mutually exclusive")
	case form.Has("include_all_users") && !form.Has("filter_by_cohort"):
		return bad("include_all_users is only applicable with filter_by_cohort")
	case form.Has("as_of_timestamp") && !form.Has("behaviors"):
		return bad("as_of_timestamp is only useful with behaviors")
	case q.page > 0 && q.sessionID == "":
		return bad("session_id is required with page")
	}
	for _, c := range q.where {
		if c.behavior != "" && !slices.ContainsFunc(q.behaviors, func(b behavior) bool { return b.Name == c.behavior }) {
			return bad("where names a behavior that is not given: " + c.behavior)
		}
	}
	return q, nil
}

// set parses one parameter.
func (q *engageQuery) set(key, value string) *refusal {
	var err error
	switch key {
	case "page":
		q.page, err = strconv.ParseInt(value, 10, 32)
		if err == nil && q.page < 0 {
			err = strconv.ErrRange
		}
	case "session_id":
		q.sessionID = value
	case "where":
		var no *refusal
		q.where, no = parseSelector(value)
		return no
	case "output_properties":
		q.output, err = parseEvents(value)
	case "distinct_id":
		q.ids, q.byID = []string{value}, true
	case "distinct_ids":
		q.ids, err = parseEvents(value)
		q.byID = true
		if len(q.ids) > 2000 {
			err = strconv.ErrRange
		}
	case "data_group_id":
		_, err = strconv.ParseUint(value, 10, 64)
		q.group = value
	case "filter_by_cohort":
		q.cohort, err = parseCohort(value)
	case "include_all_users":
		var all bool
		all, err = strconv.ParseBool(value)
		q.hasProfile = !all
	case "behaviors":
		q.behaviors, err = parseBehaviors(value)
	case "as_of_timestamp":
		var seconds int64
		seconds, err = strconv.ParseInt(value, 10, 64)
		q.asOf = time.Unix(seconds, 0)
	default:
		return wrapped(http.StatusBadRequest, "unsupported parameter %s", key)
	}
	if err != nil {
		return wrapped(http.StatusBadRequest, "invalid %s: %v", key, err)
	}
	return nil
}

// parseCohort parses a JSON object with an id and nothing else.
func parseCohort(text string) (int64, error) {
	var object map[string]int64
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return 0, err
	}
	if id := object["id"]; len(object) == 1 && id > 0 {
		return id, nil
	}
	return 0, strconv.ErrSyntax
}

// parseBehaviors parses a JSON array of behaviors. It supports only counts of events over days.
func parseBehaviors(text string) ([]behavior, error) {
	var all []behavior
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, err
	}
	for i := range all {
		m := windowPattern.FindStringSubmatch(all[i].Window)
		if m == nil || all[i].Name == "" || len(all[i].Selectors) == 0 {
			return nil, strconv.ErrSyntax
		}
		all[i].days, _ = strconv.Atoi(m[1]) // the pattern matches at most three digits
	}
	return all, nil
}
