package web

import (
	"context"
	"sync"
	"time"
)

// snapshot keeps what was found out for a while, so that it costs the same however many ask. One question is under way at
// a time, and nobody waits for it for longer than a check may take.
type snapshot[T any] struct {
	check

	mu    sync.Mutex // guards the rest
	value T
	err   error
	until time.Time
}

// newSnapshot returns one that asks take, and keeps the answer, also that there was none, for so long.
func newSnapshot[T any](keep time.Duration, take func(context.Context) (T, error)) *snapshot[T] {
	s := &snapshot[T]{check: check{running: make(chan struct{}, 1)}}
	s.run = func(ctx context.Context) error {
		if _, ok, _ := s.kept(); ok {
			return nil // somebody else has asked meanwhile
		}
		value, err := take(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.value, s.err, s.until = value, err, time.Now().Add(keep)
		return nil
	}
	return s
}

// kept returns what is known, if that is not too old.
func (s *snapshot[T]) kept() (value T, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, time.Now().Before(s.until), s.err
}

// get returns what is known, or asks.
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
