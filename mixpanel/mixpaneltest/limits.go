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

// Limits are what a project may ask for. Hours and seconds slide. Requests that are refused with 429 do not count. In
// place of 0 exports have what Mixpanel's documentation of the raw export gives: 60 an hour, 3 a second and 100 at once.
type Limits struct {
	Off       bool // no limits at all; the other fields mean nothing
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

// limiter holds a project to its limits.
type limiter struct {
	Limits
	what string        // that is limited
	span time.Duration // that PerHour is about
	now  func() time.Time

	mu      sync.Mutex
	admits  []time.Time // of the last hour, oldest first
	running int
}

func newLimiter(what string, l Limits, now func() time.Time) *limiter {
	return &limiter{Limits: l, what: what, span: time.Hour, now: now}
}

// admit counts a request, or says why it must wait; a request that is not counted only keeps to how many there may be at once. The
// caller calls done when the request has ended.
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

// until returns how long it takes until another request keeps to n requests in span.
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

// overQuota is the answer to one request too many in an hour or a second; free is how many more may run at once.
func overQuota(wait time.Duration, free int) *refusal {
	seconds := int64((wait + time.Second - 1) / time.Second)
	no := wrapped(http.StatusTooManyRequests, "Query rate limit exceeded, try again later")
	no.header = http.Header{
		"Retry-After": {strconv.FormatInt(seconds, 10)},
		"Ratelimit":   {fmt.Sprintf(`"project";r=0;t=%d, "project-concurrency";r=%d`, seconds, free)},
	}
	return no
}

// tooManyAtOnce is the answer to one request too many at the same time; left is what the hour still allows.
func tooManyAtOnce(what string, left int) *refusal {
	no := wrapped(http.StatusTooManyRequests, "too many %s requests in progress", what)
	no.header = http.Header{"Ratelimit": {fmt.Sprintf(`"project";r=%d;t=3600, "project-concurrency";r=0`, left)}}
	return no
}
