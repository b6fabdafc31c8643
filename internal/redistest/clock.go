package redistest

import (
	"sync"
	"time"
)

// Clock is a clock controlled by a test.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock set to a morning in November 2026, UTC.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Turn advances the clock by d.
func (c *Clock) Turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
