package mixpanel

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what a header can make us wait. Mixpanel's longest window is an hour.
const maxWait = 2 * time.Hour

// Limit is one of the limits of a project, as the RateLimit header of an answer describes it.
type Limit struct {
	Name      string        // "project" is the hourly one, "project-concurrency" that of requests at once
	Remaining int           // requests that are left; -1 when the header does not say
	Reset     time.Duration // until requests are given back; 0 when the header does not say
}

// parseLimits reads a header like
//
//	RateLimit: "project";r=0;t=3600, "project-concurrency";r=3
//
// (the form of the IETF draft "RateLimit header fields for HTTP"). What it cannot read it leaves out.
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

// Hourly reports whether l counts requests over time, rather than those under way.
func (l Limit) Hourly() bool { return !l.concurrent() }

// concurrent reports whether l counts requests that run at the same time.
func (l Limit) concurrent() bool { return strings.Contains(l.Name, "concurren") }

// exhausted returns the used up limit that keeps us waiting longest: an hourly one before one of requests at once.
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

// retryAfter reads the Retry-After header, in seconds or as a date. It returns at least a second and at most maxWait.
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

// parseSeconds reads a number of seconds, not negative; it returns at most maxWait.
func parseSeconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, uint64(maxWait/time.Second))) * time.Second, true
}
