package queue

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// documents returns the JSON documents in the fields of a hash.
func documents[T any](ctx context.Context, rdb redis.Cmdable, key string) (map[string]T, error) {
	texts, err := rdb.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, err
	}
	all := make(map[string]T, len(texts))
	for field, text := range texts {
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("%q: %w", field, err)
		}
		all[field] = v
	}
	return all, nil
}

// putDocument writes a JSON document into a field of a hash.
func putDocument(ctx context.Context, rdb redis.Cmdable, key, field string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return rdb.HSet(ctx, key, field, text).Err()
}
