package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/connect"
	"mixduck/internal/fault"
)

// redisServer monitors the settings of the queue's Redis.
type redisServer struct {
	rdb   *redis.Client
	allow bool // it may evict keys
	log   *slog.Logger

	mu       sync.Mutex // guards problems
	problems []connect.Problem
}

// admit returns a monitor for the queue's Redis, if that Redis may be used; see [redisServer.admit].
func (d *daemon) admit(ctx context.Context, rdb *redis.Client) (*redisServer, error) {
	s := &redisServer{rdb: rdb, allow: d.cfg.Redis.AllowEviction, log: d.log}
	d.page.watchServer(s)
	if d.cfg.Redis.URL.IsZero() {
		return s, nil
	}
	err := s.admit(ctx)
	return s, err
}

const askServerEvery = time.Minute

// admit waits until the server has responded, or ctx is done. It returns an error with [fault.CodeUsage] if the server
// can delete jobs and the settings do not allow that.
func (s *redisServer) admit(ctx context.Context) error {
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	for tries := 0; ; tries++ {
		err := s.ask(ctx)
		if err == nil || ctx.Err() != nil {
			break
		}
		if tries%60 == 0 {
			s.log.Warn("worker waits for the queue", slog.Any("err", err))
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
	}
	for _, p := range s.found() {
		if p.Fatal && !s.allow {
			return fault.Usage("set maxmemory-policy noeviction in Redis, or accept the loss with redis.allow_eviction (--redis-allow-eviction true)",
				"%s", p.Text)
		}
	}
	return nil
}

// watch checks the server every minute until ctx is done, because settings and server can change.
func (s *redisServer) watch(ctx context.Context) {
	tick := time.NewTicker(askServerEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = s.ask(ctx) // its users report when it does not respond
		}
	}
}

// ask checks for problems, and logs new ones.
func (s *redisServer) ask(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, askServerTimeout)
	defer stop()
	problems, err := connect.Problems(ctx, s.rdb)
	if err != nil {
		return err
	}
	known := s.found()
	for _, p := range problems {
		if !slices.Contains(known, p) {
			s.log.Warn("redis settings endanger the queue", slog.String("kind", string(p.Kind)), slog.String("problem", p.Text))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = problems
	return nil
}

const askServerTimeout = 10 * time.Second

func (s *redisServer) found() []connect.Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problems
}

// warnings returns the texts of all problems.
func (s *redisServer) warnings() (texts []string) {
	for _, p := range s.found() {
		texts = append(texts, p.Text)
	}
	return texts
}

// kinds returns for each kind whether there are problems of it.
func (s *redisServer) kinds() map[string]bool {
	all := map[string]bool{}
	for _, kind := range connect.ProblemKinds() {
		all[string(kind)] = false
	}
	for _, p := range s.found() {
		all[string(p.Kind)] = true
	}
	return all
}
