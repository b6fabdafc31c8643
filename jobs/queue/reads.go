package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// The limits of what is known of reads in one database.
const (
	maxReadProperties = 2000
	readsKept         = 180 * 24 * time.Hour // since the last read
)

// NoteReads counts a query of a database that has read properties. The counters of a month are in one hash, and the last
// days in another. Counters are for estimates: a repeated command may count twice.
func (q *Queue) NoteReads(ctx context.Context, database string, reads []jobs.PropertyRead) error {
	if len(reads) == 0 {
		return nil
	}
	today := day.Of(time.Now().UTC())
	counts, days := lanes.ReadCountsKey(database, today.String()[:7]), lanes.ReadDaysKey(database)
	names := make([]string, len(reads))
	for i, r := range reads {
		names[i] = r.Table + "\x00" + r.Property
	}
	pipe := q.e.Redis.Pipeline()
	size, known := pipe.HLen(ctx, days), pipe.HMGet(ctx, days, names...)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("note reads: %w", err)
	}
	pipe = q.e.Redis.Pipeline()
	pipe.HSetNX(ctx, days, "", today.String()) // since when reads are known
	for i, name := range names {
		if size.Val() > maxReadProperties && known.Val()[i] == nil {
			continue
		}
		pipe.HSet(ctx, days, name, today.String())
		pipe.HIncrBy(ctx, counts, name, 1)
	}
	pipe.Expire(ctx, days, readsKept)
	pipe.Expire(ctx, counts, readsKept)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("note reads: %w", err)
	}
	return nil
}

// Reads returns how often queries of a database have read properties in this month and the last one, and when last. Since
// is the first day that is known, nil if nothing is known.
func (q *Queue) Reads(ctx context.Context, database string) (all []jobs.PropertyReads, since *day.Day, err error) {
	now := time.Now().UTC()
	month := now.Format("2006-01")
	last := now.AddDate(0, 0, -now.Day()).Format("2006-01")
	pipe := q.e.Redis.Pipeline()
	days := pipe.HGetAll(ctx, lanes.ReadDaysKey(database))
	counts := []*redis.MapStringStringCmd{pipe.HGetAll(ctx, lanes.ReadCountsKey(database, month)), pipe.HGetAll(ctx, lanes.ReadCountsKey(database, last))}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, fmt.Errorf("read the counters of properties: %w", err)
	}
	for name, text := range days.Val() {
		d, err := day.Parse(text)
		if err != nil {
			return nil, nil, err
		}
		if name == "" {
			since = &d
			continue
		}
		r := jobs.PropertyReads{LastRead: d}
		r.Table, r.Property, _ = strings.Cut(name, "\x00")
		for _, c := range counts {
			n, _ := strconv.ParseInt(c.Val()[name], 10, 64)
			r.Queries += n
		}
		all = append(all, r)
	}
	return all, since, nil
}
