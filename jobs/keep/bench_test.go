package keep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/embedredis"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/keep"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// bench is a queue, and a data directory for workers.
type bench struct {
	*testing.T
	open func(*testing.T) *redis.Client // starts an empty Redis
	rdb  *redis.Client
	q    *queue.Queue
	dir  string
}

// onEach runs a test on each supported Redis: the one of the embedded queue, and a real server.
func onEach(t *testing.T, test func(*bench)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T) *redis.Client{
		"embedded": func(t *testing.T) *redis.Client {
			t.Helper()
			s, err := embedredis.Open(t.Context(), embedredis.Config{Dir: proctest.ShortDir(t)}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			client := s.Client()
			t.Cleanup(func() { _ = client.Close() })
			return client
		},
		"server": func(t *testing.T) *redis.Client {
			t.Helper()
			return proctest.NewRedis(t).Client(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, open(t), t.TempDir())
			b.open = open
			test(b)
		})
	}
}

func newBench(t *testing.T, rdb *redis.Client, dir string) *bench {
	t.Helper()
	b := &bench{T: t, dir: dir}
	b.use(rdb)
	return b
}

// replaceRedis gives the bench an empty Redis.
func (b *bench) replaceRedis() {
	b.Helper()
	b.use(b.open(b.T))
}

func (b *bench) use(rdb *redis.Client) {
	b.Helper()
	var err error
	b.rdb = rdb
	b.q, err = queue.New(rdb, queue.Config{})
	b.must(err)
}

// flush makes Redis lose all keys except those in but.
func (b *bench) flush(but ...string) {
	b.Helper()
	keys, err := b.rdb.Keys(b.Context(), "*").Result()
	b.must(err)
	for _, key := range keys {
		if !slices.Contains(but, key) {
			b.must(b.rdb.Del(b.Context(), key).Err())
		}
	}
}

func daily(name string) jobs.Schedule {
	return jobs.Schedule{
		Name: name, Project: "1", ProjectZone: "UTC", Database: "main/1.db", Table: name, Cron: "15 6 * * *", Start: day.New(2025, 1, 1),
	}
}

// node is a worker.
type node struct {
	*bench
	*keep.Keeper
	log     *bytes.Buffer
	rebuilt int
	only    []string // databases that had to be read last
	locked  []string // databases that cannot be read
}

// start starts a worker with an ID.
func (b *bench) start(id string, file ...jobs.Schedule) *node {
	b.Helper()
	n := &node{bench: b, log: &bytes.Buffer{}}
	n.Keeper = keep.New(b.q, keep.Config{
		Worker: id, Schedules: file, Projects: []jobs.ProjectInfo{{Name: id, ID: 1, Zone: "UTC", Database: "main/1.db"}},
		File: filepath.Join(b.dir, "copy-"+id+".json"),
		Rebuild: func(_ context.Context, _ map[string][]jobs.TableState, only []string) ([]string, error) {
			n.rebuilt++
			n.only = only
			return n.locked, nil
		},
	}, slog.New(slog.NewTextHandler(n.log, nil)))
	n.step()
	return n
}

// age moves the time at which a worker last saw its queue further into the past.
func (b *bench) age(id string, by time.Duration) {
	b.Helper()
	name := filepath.Join(b.dir, "copy-"+id+".json")
	body, err := os.ReadFile(name)
	b.must(err)
	var doc map[string]any
	b.must(json.Unmarshal(body, &doc))
	doc["seen_at"] = time.Now().Add(by)
	body, err = json.Marshal(doc)
	b.must(err)
	b.must(os.WriteFile(name, body, 0o600))
}

func (n *node) step() {
	n.Helper()
	if err := n.Step(n.Context()); err != nil {
		n.Fatal(err)
	}
}

// schedules describes all schedules that the queue knows.
func (b *bench) schedules() string {
	b.Helper()
	all, err := schedule.NewStore(b.q).List(b.Context(), time.Now().Add(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	var lines []string
	for _, s := range all {
		line := fmt.Sprintf("%s %s %v", s.Name, s.Cron, s.Files)
		if s.Paused {
			line += " paused"
		}
		if !s.LastTick.IsZero() {
			line += " " + s.LastTick.Format(time.RFC3339)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (b *bench) want(what, want string) {
	b.Helper()
	if diff := cmp.Diff(want, b.schedules()); diff != "" {
		b.Errorf("schedules %s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) pause(name string) {
	b.Helper()
	_, err := schedule.NewStore(b.q).Pause(b.Context(), name, true)
	b.must(err)
}

// fire makes the job of a tick.
func (b *bench) fire(name string, tick time.Time) {
	b.Helper()
	s, err := schedule.NewStore(b.q).Get(b.Context(), name, tick)
	b.must(err)
	outcome, _, err := schedule.NewStore(b.q).Fire(b.Context(), s, tick, tick.Add(time.Second))
	b.must(err)
	if outcome == "" {
		b.Fatalf("schedule %s did not fire at %s", name, tick)
	}
}
