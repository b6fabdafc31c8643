package mixpaneltest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

// clock is a clock that tests control.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestHourSlides(t *testing.T) {
	t.Parallel()
	c := &clock{at: now}
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{project(1)}, Now: c.now})
	for i := range 60 {
		if got := get(t, s, march1, march1); got.status != 200 {
			t.Fatalf("request %d: status %d", i+1, got.status)
		}
		c.advance(30 * time.Second)
	}
	got := get(t, s, march1, march1)
	wantRefused(t, got, "1800", `"project";r=0;t=1800, "project-concurrency";r=100`)
	c.advance(1800 * time.Second)
	if got := get(t, s, march1, march1); got.status != 200 {
		t.Errorf("after an hour: status %d", got.status)
	}
	if got := get(t, s, march1, march1); got.status != http.StatusTooManyRequests {
		t.Errorf("the hour has room for one, but then: status %d", got.status)
	}
}

func TestThreeASecond(t *testing.T) {
	t.Parallel()
	c := &clock{at: now}
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{project(1)}, Now: c.now})
	for range 3 {
		if got := get(t, s, march1, march1); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
	}
	wantRefused(t, get(t, s, march1, march1), "1", `"project";r=0;t=1, "project-concurrency";r=100`)
	c.advance(time.Second)
	if got := get(t, s, march1, march1); got.status != 200 {
		t.Errorf("a second later: status %d", got.status)
	}
}

func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{project(1)},
		Limits:   mixpaneltest.Limits{AtOnce: 1},
	})
	held := inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Times: 1})
	var first sync.WaitGroup
	first.Go(func() {
		if got, err := ask(t.Context(), s, params(march1, march1), nil); err != nil || got.status != 200 {
			t.Errorf("first request: status %d, %v", got.status, err)
		}
	})
	<-held.Reached()
	got := get(t, s, march1, march1)
	if got.status != http.StatusTooManyRequests || !strings.Contains(got.text, "too many export requests in progress") {
		t.Errorf("status %d, body %q", got.status, got.text)
	}
	if ratelimit := got.header.Get("RateLimit"); ratelimit != `"project";r=59;t=3600, "project-concurrency";r=0` {
		t.Errorf("RateLimit: %s", ratelimit)
	}
	held.Release()
	first.Wait()
	if got := get(t, s, march1, march1); got.status != 200 {
		t.Errorf("afterwards: status %d", got.status)
	}
}

func wantRefused(t *testing.T, got answer, retryAfter, rateLimit string) {
	t.Helper()
	if got.status != http.StatusTooManyRequests {
		t.Fatalf("status %d, want 429", got.status)
	}
	if h := got.header.Get("Retry-After"); h != retryAfter {
		t.Errorf("Retry-After: %s, want %s", h, retryAfter)
	}
	if h := got.header.Get("RateLimit"); h != rateLimit {
		t.Errorf("RateLimit: %s, want %s", h, rateLimit)
	}
}
