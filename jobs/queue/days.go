package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

// Days returns the day map of a table. It is empty for tables without days, and for tables that no attempt has reported.
func (q *Queue) Days(ctx context.Context, database, table string) (jobs.Days, error) {
	text, err := q.e.Redis.HGet(ctx, lanes.DaysKey(database), table).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	var days jobs.Days
	if err == nil {
		days, err = jobs.ParseDays(text)
	}
	if err != nil {
		return nil, fmt.Errorf("days of %s in %s: %w", table, database, err)
	}
	return days, nil
}

// AllDays returns the day maps of all tables of some databases, by database and table, in one round trip. A database can be
// given more than once. Callers must not change the maps: they are returned again as long as they stay the same, because an open
// page asks for them every two seconds.
func (q *Queue) AllDays(ctx context.Context, databases []string) (map[string]map[string]jobs.Days, error) {
	if len(databases) == 0 {
		return nil, nil
	}
	pipe := q.e.Redis.Pipeline()
	texts := make(map[string]*redis.MapStringStringCmd, len(databases))
	for _, database := range databases {
		if texts[database] != nil {
			continue
		}
		texts[database] = pipe.HGetAll(ctx, lanes.DaysKey(database))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read day maps: %w", err)
	}
	all := make(map[string]map[string]jobs.Days, len(texts))
	for database, tables := range texts {
		all[database] = make(map[string]jobs.Days, len(tables.Val()))
		for table, text := range tables.Val() {
			days, err := q.days.parse(database, table, text)
			if err != nil {
				return nil, fmt.Errorf("days of %s in %s: %w", table, database, err)
			}
			all[database][table] = days
		}
	}
	return all, nil
}

// parsedDays remembers day maps, since five years take longer to parse than to read.
type parsedDays struct {
	mu  sync.Mutex
	all map[[2]string]parsed // by database and table
}

type parsed struct {
	text string
	days jobs.Days
}

// maxParsed is how many day maps are remembered.
const maxParsed = 1000

func (p *parsedDays) parse(database, table, text string) (jobs.Days, error) {
	key := [2]string{database, table}
	p.mu.Lock()
	known := p.all[key]
	p.mu.Unlock()
	if known.text == text {
		return known.days, nil
	}
	days, err := jobs.ParseDays(text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil || len(p.all) >= maxParsed {
		p.all = map[[2]string]parsed{}
	}
	p.all[key] = parsed{text, days}
	return days, nil
}

// Mapped reports which databases have been mapped, including those without days, which have no day maps.
func (q *Queue) Mapped(ctx context.Context) (map[string]bool, error) {
	names, err := q.e.Redis.HKeys(ctx, lanes.DaysWrittenKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list day maps: %w", err)
	}
	mapped := make(map[string]bool, len(names))
	for _, name := range names {
		mapped[name] = true
	}
	return mapped, nil
}
