package mixpanel

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest wait that a header can cause. Mixpanel's longest window is an hour.
const maxWait = 2 * time.Hour

// Limit is a limit of a project, as described by the RateLimit header of a response.
type Limit struct {
	Name      string        // "project" for the hourly limit, "project-concurrency" for concurrent requests
	Remaining int           // remaining requests; -1 if the header does not say
	Reset     time.Duration // until requests become available; 0 if the header does not say
}

// parseLimits parses a header such as
//
//	RateLimit: "project";r=0;t=3600, "project-concurrency";r=3
//
// (the form of the IETF draft "RateLimit header fields for HTTP"). It skips what it cannot parse.
func parseLimits(h http.Header) []Limit {
	var limits []Limit
	for _, value := range h.Values("RateLimit") {
		for item := range strings.SplitSeq(value, ",") {
			if l, ok := parseLimit(item); ok {
				limits = append(limits, l)
			}
		}
	}
	return limits
}

func parseLimit(item string) (Limit, bool) {
	name, params, ok := strings.Cut(item, ";")
	l := Limit{Name: strings.Trim(strings.TrimSpace(name), `"`), Remaining: -1}
	if !ok || l.Name == "" {
		return Limit{}, false
	}
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch key {
		case "r":
			if n, err := strconv.ParseInt(value, 10, 32); err == nil && n >= 0 {
				l.Remaining = int(n)
			}
		case "t":
			if wait, ok := parseSeconds(value); ok {
				l.Reset = wait
			}
		}
	}
	return l, true
}

// Hourly reports whether l counts requests over time, not concurrent ones.
func (l Limit) Hourly() bool { return !l.concurrent() }

// concurrent reports whether l counts concurrent requests.
func (l Limit) concurrent() bool { return strings.Contains(l.Name, "concurren") }

// exhausted returns the exhausted limit with the longest wait: hourly limits come before those for concurrent
// requests.
func exhausted(limits []Limit) (Limit, bool) {
	used := slices.DeleteFunc(slices.Clone(limits), func(l Limit) bool { return l.Remaining != 0 })
	if len(used) == 0 {
		return Limit{}, false
	}
	return slices.MaxFunc(used, func(a, b Limit) int {
		if a.concurrent() != b.concurrent() {
			if a.concurrent() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Reset, b.Reset)
	}), true
}

// retryAfter parses the Retry-After header, in seconds or as a date. It returns at least a second and at most maxWait.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if wait, ok := parseSeconds(value); ok {
		return max(wait, time.Second), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), time.Second), maxWait), true
	}
	return 0, false
}

// parseSeconds parses a non-negative number of seconds. It returns at most maxWait.
func parseSeconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, uint64(maxWait/time.Second))) * time.Second, true
}
