package mixpaneltest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limits are the limits of a project. Hours and seconds are sliding windows. Requests rejected with 429 do not count.
// For exports, 0 means the limits in Mixpanel's documentation of the raw export: 60 an hour, 3 a second and 100 at
// once.
type Limits struct {
	Off       bool // no limits; the other fields are ignored
	PerHour   int
	PerSecond int
	AtOnce    int
}

func (l Limits) validate() error {
	if l.PerHour < 0 || l.PerSecond < 0 || l.AtOnce < 0 {
		return errors.New("limits must not be negative: set Off to have none")
	}
	return nil
}

func (l Limits) orExportDefaults() Limits {
	l.PerHour, l.PerSecond, l.AtOnce = cmp.Or(l.PerHour, 60), cmp.Or(l.PerSecond, 3), cmp.Or(l.AtOnce, 100)
	return l
}

func (l Limits) orQueryDefaults() Limits {
	l.PerHour, l.AtOnce = cmp.Or(l.PerHour, 60), cmp.Or(l.AtOnce, 5)
	l.PerSecond = cmp.Or(l.PerSecond, l.PerHour)
	return l
}

// limiter enforces the limits of a project.
type limiter struct {
	Limits
	what string        // what is limited
	span time.Duration // window of PerHour
	now  func() time.Time

	mu      sync.Mutex
	admits  []time.Time // of the last hour, oldest first
	running int
}

func newLimiter(what string, l Limits, now func() time.Time) *limiter {
	return &limiter{Limits: l, what: what, span: time.Hour, now: now}
}

// admit counts a request, or says why it must wait. A request that is not counted is only subject to the concurrency
// limit. The caller must call done at the end of the request.
func (l *limiter) admit(counted bool) (done func(), no *refusal) {
	if l.Off {
		return func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for len(l.admits) > 0 && now.Sub(l.admits[0]) >= l.span {
		l.admits = l.admits[1:]
	}
	if wait := l.until(now, l.PerHour, l.span); counted && wait > 0 {
		return nil, overQuota(wait, l.AtOnce-l.running)
	}
	if l.running >= l.AtOnce {
		return nil, tooManyAtOnce(l.what, l.PerHour-len(l.admits))
	}
	if wait := l.until(now, l.PerSecond, time.Second); counted && wait > 0 {
		return nil, overQuota(wait, l.AtOnce-l.running)
	}
	if counted {
		l.admits = append(l.admits, now)
	}
	l.running++
	return l.done, nil
}

// until returns how long to wait until another request stays within n requests per span.
func (l *limiter) until(now time.Time, n int, span time.Duration) time.Duration {
	if len(l.admits) < n {
		return 0
	}
	return l.admits[len(l.admits)-n].Add(span).Sub(now)
}

func (l *limiter) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
}

// overQuota is the response to too many requests per hour or second; free is how many more may run concurrently.
func overQuota(wait time.Duration, free int) *refusal {
	seconds := int64((wait + time.Second - 1) / time.Second)
	no := wrapped(http.StatusTooManyRequests, "Query rate limit exceeded, try again later")
	no.header = http.Header{
		"Retry-After": {strconv.FormatInt(seconds, 10)},
		"Ratelimit":   {fmt.Sprintf(`"project";r=0;t=%d, "project-concurrency";r=%d`, seconds, free)},
	}
	return no
}

// tooManyAtOnce is the response to too many concurrent requests; left is how many the hour still allows.
func tooManyAtOnce(what string, left int) *refusal {
	no := wrapped(http.StatusTooManyRequests, "too many %s requests in progress", what)
	no.header = http.Header{"Ratelimit": {fmt.Sprintf(`"project";r=%d;t=3600, "project-concurrency";r=0`, left)}}
	return no
}
