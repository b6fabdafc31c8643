package session

import (
	"context"
	"fmt"
)

// maxRecent is how many entries a session remembers.
const maxRecent = 20

func recentKey(token string) string { return prefix + "recent:" + hash(token) }

// Remember adds an entry to what a session has done, until [Lasts] after its last entry.
func (s *Store) Remember(ctx context.Context, token, entry string) error {
	key := recentKey(token)
	pipe := s.rdb.TxPipeline()
	pipe.LRem(ctx, key, 0, entry)
	pipe.LPush(ctx, key, entry)
	pipe.LTrim(ctx, key, 0, maxRecent-1)
	pipe.PExpire(ctx, key, Lasts)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("remember what the session did: %w", err)
	}
	return nil
}

// Recent returns the last entries of a session, the newest first.
func (s *Store) Recent(ctx context.Context, token string) ([]string, error) {
	entries, err := s.rdb.LRange(ctx, recentKey(token), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read what the session did: %w", err)
	}
	return entries, nil
}
