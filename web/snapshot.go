package web

import (
	"context"
	"sync"
	"time"
)

// snapshot caches a value for a while, so its cost does not depend on the number of requests. It takes one value at a
// time, and no request waits longer than a check may take.
type snapshot[T any] struct {
	check

	mu    sync.Mutex // guards the fields below
	value T
	err   error
	until time.Time
}

// newSnapshot returns a snapshot that gets its value from take, and keeps it, or its error, for the duration keep.
func newSnapshot[T any](keep time.Duration, take func(context.Context) (T, error)) *snapshot[T] {
	s := &snapshot[T]{check: check{running: make(chan struct{}, 1)}}
	s.run = func(ctx context.Context) error {
		if _, ok, _ := s.kept(); ok {
			return nil // another goroutine has taken it in the meantime
		}
		value, err := take(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.value, s.err, s.until = value, err, time.Now().Add(keep)
		return nil
	}
	return s
}

// kept returns the cached value, unless it is too old.
func (s *snapshot[T]) kept() (value T, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, time.Now().Before(s.until), s.err
}

// get returns the cached value, or takes a new one.
func (s *snapshot[T]) get(ctx context.Context) (value T, err error) {
	if value, ok, err := s.kept(); ok {
		return value, err
	}
	if err := s.result(ctx); err != nil {
		return value, err
	}
	value, _, err = s.kept()
	return value, err
}
