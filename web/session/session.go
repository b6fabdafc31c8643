// Package session keeps the sessions of people who are logged in to the page in Redis. All workers of a queue share
// them.
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// How long codes and sessions are valid.
const (
	CodeLasts = time.Minute    // until a code expires
	Lasts     = 12 * time.Hour // until a session expires, used or not
)

// Names of keys in Redis. Codes and tokens are stored only as hashes: reading Redis is not enough to log in.
const (
	prefix      = "mixduck:{page}:"
	sessionsKey = prefix + "sessions" // ZSET: hashes of tokens, by when they expire (unix ms)
)

func codeKey(code string) string { return prefix + "code:" + hash(code) }

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Store keeps codes and sessions.
type Store struct {
	rdb redis.UniversalClient
}

// New returns the store in rdb.
func New(rdb redis.UniversalClient) *Store { return &Store{rdb} }

// NewCode returns a code that logs in once, within [CodeLasts]. It has at least 128 random bits.
func (s *Store) NewCode(ctx context.Context) (string, error) {
	code := rand.Text()
	if err := s.rdb.Set(ctx, codeKey(code), 1, CodeLasts).Err(); err != nil {
		return "", fmt.Errorf("store the login code: %w", err)
	}
	return code, nil
}

// Redeem reports whether code is valid, and makes it invalid.
func (s *Store) Redeem(ctx context.Context, code string) (bool, error) {
	n, err := s.rdb.Del(ctx, codeKey(code)).Result()
	if err != nil {
		return false, fmt.Errorf("check the login code: %w", err)
	}
	return n == 1, nil
}

// Start begins a session and returns its token.
func (s *Store) Start(ctx context.Context) (token string, err error) {
	now, err := s.now(ctx)
	if err != nil {
		return "", err
	}
	token = rand.Text()
	pipe := s.rdb.TxPipeline()
	pipe.ZRemRangeByScore(ctx, sessionsKey, "-inf", strconv.FormatInt(now.UnixMilli(), 10))
	pipe.ZAdd(ctx, sessionsKey, redis.Z{Score: float64(now.Add(Lasts).UnixMilli()), Member: hash(token)})
	pipe.PExpire(ctx, sessionsKey, Lasts)
	if _, err := pipe.Exec(ctx); err != nil {
		return "", fmt.Errorf("store the session: %w", err)
	}
	return token, nil
}

// Valid reports whether token belongs to a session that has not ended.
func (s *Store) Valid(ctx context.Context, token string) (bool, error) {
	now, err := s.now(ctx)
	if err != nil {
		return false, err
	}
	ends, err := s.rdb.ZScore(ctx, sessionsKey, hash(token)).Result()
	if err == redis.Nil { //nolint:errorlint // go-redis returns it as it is
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("check the session: %w", err)
	}
	return float64(now.UnixMilli()) < ends, nil
}

// Count returns the number of sessions that have not ended.
func (s *Store) Count(ctx context.Context) (int64, error) {
	now, err := s.now(ctx)
	if err != nil {
		return 0, err
	}
	n, err := s.rdb.ZCount(ctx, sessionsKey, "("+strconv.FormatInt(now.UnixMilli(), 10), "+inf").Result()
	if err != nil {
		return 0, fmt.Errorf("count the sessions: %w", err)
	}
	return n, nil
}

// End ends the session of token.
func (s *Store) End(ctx context.Context, token string) error {
	if err := s.rdb.ZRem(ctx, sessionsKey, hash(token)).Err(); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// EndAll ends all sessions.
func (s *Store) EndAll(ctx context.Context) error {
	if err := s.rdb.Del(ctx, sessionsKey).Err(); err != nil {
		return fmt.Errorf("end the sessions: %w", err)
	}
	return nil
}

// now returns the time of Redis, the only clock that all workers share.
func (s *Store) now(ctx context.Context) (time.Time, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("check the session: %w", err)
	}
	return now, nil
}
