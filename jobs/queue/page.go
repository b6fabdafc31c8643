package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs/internal/lanes"
)

// cursor is a position in the indexes. They sort jobs by the millisecond of their submission, then by ID.
type cursor struct {
	last   string // the last ID before the position; "" at the start
	max    string // score of last
	passed int64  // number of IDs with this score that page has returned
	end    bool   // no IDs follow
}

// startOf returns the position after a job, which need not exist; "" means the start.
func startOf(id string) (cursor, error) {
	if id == "" {
		return cursor{max: "+inf"}, nil
	}
	u, err := ulid.ParseStrict(strings.ToUpper(id))
	if err != nil {
		return cursor{}, fault.Usage("enqueue jobs list shows the ids", "%q is not the id of a job", id)
	}
	return cursor{last: u.String(), max: score(u)}, nil
}

// score returns the score of a job in indexes.
func score(id ulid.ULID) string { return strconv.FormatUint(id.Time(), 10) }

// page reads the next size IDs of the first index, moves the cursor past them, and returns those that all indexes contain.
func (q *Queue) page(ctx context.Context, indexes []string, at *cursor, size int) ([]string, error) {
	ids, err := q.e.Redis.ZRevRangeByScore(ctx, indexes[0], &redis.ZRangeBy{Max: at.max, Min: "-inf", Offset: at.passed, Count: int64(size)}).Result()
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	if at.end = len(ids) == 0; at.end {
		return nil, nil
	}
	before := at.last
	if err := at.pass(ids); err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return before != "" && id >= before })
	for _, index := range indexes[1:] {
		if len(ids) == 0 {
			return nil, nil
		}
		has, err := lanes.Members(ctx, q.e.Redis, index, ids)
		if err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		var both []string
		for i, id := range ids {
			if has[i] {
				both = append(both, id)
			}
		}
		ids = both
	}
	return ids, nil
}

// pass moves the cursor past ids.
func (c *cursor) pass(ids []string) error {
	last, err := ulid.ParseStrict(ids[len(ids)-1])
	if err != nil {
		return fmt.Errorf("list jobs: %w", err)
	}
	if at := score(last); at != c.max {
		c.max, c.passed = at, 0
	}
	for _, id := range ids {
		if u, err := ulid.ParseStrict(id); err == nil && u.Time() == last.Time() {
			c.passed++
		}
	}
	if c.last == "" || last.String() < c.last {
		c.last = last.String()
	}
	return nil
}
