package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/embedredis"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// site is a queue with its workers.
type site struct {
	mixpanel *standIn
	redis    *redisServer // nil for the embedded queue
	workers  []*worker
	queue    *queue.Queue
}

// team describes a queue and its workers.
type team struct {
	embedded bool // otherwise on a real Redis
	workers  int
	slots    int // concurrent jobs of each worker
	page     bool
}

func (t team) String() string {
	if t.embedded {
		return "embedded"
	}
	return "redis"
}

// newSite starts a queue and its workers with more settings in their environment, until the benchmark ends.
func newSite(b *testing.B, t team, m *standIn, settings ...string) *site {
	b.Helper()
	s, _ := newGrowingSite(b, t, m, settings...)
	return s
}

// newGrowingSite is newSite, and returns how to start one more worker.
func newGrowingSite(b *testing.B, t team, m *standIn, settings ...string) (_ *site, launch func() *worker) {
	b.Helper()
	dir := b.TempDir()
	env := append(os.Environ(), "MP_USERNAME=sa", "MP_SECRET=s3cret", "MIXDUCK_MIXPANEL_BASE_URL="+m.url, "MIXDUCK_DATA_DIR="+dir)
	env = append(env, settings...)
	args := []string{"--concurrency", strconv.Itoa(t.slots)}
	s := &site{mixpanel: m}
	if !t.embedded {
		s.redis = startRedis(b)
		args = append(args, "--redis-url", s.redis.URL())
	}
	if t.page {
		args = append(args, "--http-listen", "127.0.0.1:0")
		env = append(env, "MIXDUCK_HTTP_TOKEN="+pageToken)
	}
	launch = func() *worker { return startWorker(b, env, args...) }
	for range t.workers {
		s.workers = append(s.workers, launch())
	}
	s.queue = s.connect(b, dir)
	return s, launch
}

// connect returns the queue as `enqueue` sees it.
func (s *site) connect(b *testing.B, dir string) *queue.Queue {
	b.Helper()
	var rdb *redis.Client
	if s.redis != nil {
		rdb = s.redis.client
	} else {
		var err error
		if rdb, err = embedredis.Connect(b.Context(), filepath.Join(dir, ".mixduck", "queue")); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = rdb.Close() })
	}
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		b.Fatal(err)
	}
	return q
}

// submit enqueues a fetch of the nth day.
func (s *site) submit(ctx context.Context, from project, database string, n int) (jobs.Record, error) {
	return s.queue.Submit(ctx, jobs.Request{Fetch: jobs.Fetch{
		Project: from.String(), Database: database, Table: "events", Days: nth(n), Mode: jobs.ModeSync,
	}})
}

// nth returns day n of the fetched days.
func nth(n int) day.Range {
	d := day.New(2025, 1, 1) + day.Day(n)
	return day.Range{From: d, To: d}
}

// fill enqueues each jobs per database, alternating, from several goroutines. from returns the project of the nth job
// of all.
func (s *site) fill(b *testing.B, databases []string, each int, from func(n int) project) {
	b.Helper()
	const hands = 8
	var all sync.WaitGroup
	for hand := range hands {
		all.Go(func() {
			for i := range each {
				for n := hand; n < len(databases); n += hands {
					if _, err := s.submit(b.Context(), from(i*len(databases)+n), databases[n], i); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// names returns n names of databases: volume/lane0.db and so on.
func names(volume, lane string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s/%s%d.db", volume, lane, i)
	}
	return all
}

// wait waits until the stand-in has received this many requests, and then until no lane has a job. Before that it does
// not load the queue.
func (s *site) wait(b *testing.B, asked int64) {
	b.Helper()
	await(b, "all jobs have asked", 5*time.Minute, func() bool { return s.mixpanel.asked.Load() >= asked })
	await(b, "all jobs are done", time.Minute, func() bool {
		lanes, err := s.queue.Lanes(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return len(lanes) == 0
	})
}
