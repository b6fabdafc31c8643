package embedredis_test

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
	"mixduck/internal/fault"
)

// clock is a wall clock that changes only when it is set.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	clock := newClock()
	config := embedredis.Config{Dir: t.TempDir(), Now: clock.now}
	s := open(t, config)
	c := client(t, s)
	do(t, c,
		"SET string value", "SET counter 41", "INCR counter", "APPEND string s",
		"HSET hash a 1 b 2 c 3", "HDEL hash c", "HINCRBY hash a 4",
		"RPUSH list a b c d", "LPUSH list z", "LREM list 1 b", "LPOP list",
		"SADD set x y z", "SREM set y",
		"ZADD zset 1 a 2 b 3 c", "ZINCRBY zset 0.1 a", "ZREM zset b",
		"SET gone 1", "DEL gone", "SET short 1 EX 5", "SET long 1 PX 3600500", "EXPIRE hash 90",
		"RPUSH from 1 2 3", "RPOPLPUSH from to", "RENAME set renamed",
	)
	binary := "\x00\xff\r\n*3\r\n" + strings.Repeat("x", 100_000)
	for _, z := range []redis.Z{
		{Score: math.Inf(-1), Member: "min"},
		{Score: math.Inf(1), Member: "max"},
		{Score: 0.1 + 0.2, Member: binary},
		{Score: math.SmallestNonzeroFloat64, Member: ""},
		{Score: 1732270123.123456789, Member: "now"},
	} {
		if err := c.ZAdd(t.Context(), "floats", z).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.HSet(t.Context(), binary, binary, "").Err(); err != nil {
		t.Fatal(err)
	}
	want := contents(t, c)
	closeServer(t, s)

	s = open(t, config)
	if diff := cmp.Diff(want, contents(t, client(t, s))); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	closeServer(t, s)

	clock.advance(10 * time.Second)
	s = open(t, config)
	got := contents(t, client(t, s))
	if _, ok := got["short"]; ok {
		t.Error("a key whose time ran out while nothing ran is still there")
	}
	if want := `string "1", ends in 59m50.5s`; got["long"] != want {
		t.Errorf("long = %s, want %s", got["long"], want)
	}
	if want := `hash map["a":"5" "b":"2"], ends in 1m20s`; got["hash"] != want {
		t.Errorf("hash = %s, want %s", got["hash"], want)
	}
}

func TestKeysEndWhileServing(t *testing.T) {
	t.Parallel()
	clock := newClock()
	config := embedredis.Config{Dir: t.TempDir(), Now: clock.now}
	s := open(t, config)
	c := client(t, s)
	do(t, c, "SET lock a NX EX 10")
	clock.advance(9 * time.Second)
	if ok := c.SetNX(t.Context(), "lock", "b", time.Minute).Val(); ok {
		t.Error("taken over after 9 of 10 s")
	}
	clock.advance(2 * time.Second)
	if ok := c.SetNX(t.Context(), "lock", "c", time.Minute).Val(); !ok {
		t.Error("still held after 11 of 10 s")
	}
	clock.advance(-time.Hour)
	do(t, c, "SET other 1 EX 100")
	clock.advance(30 * time.Second)
	if got := c.PTTL(t.Context(), "lock").Val(); got != 30*time.Second {
		t.Errorf("30 s on a clock that was set back: %v left of a minute", got)
	}
	want := contents(t, c)
	closeServer(t, s)
	if diff := cmp.Diff(want, contents(t, client(t, open(t, config)))); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startChild(t, dir)
	_, err := embedredis.Open(t.Context(), embedredis.Config{Dir: dir}, slog.New(slog.DiscardHandler))
	if !errors.Is(err, embedredis.ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(p.cmd.Process.Pid)) || fault.HintOf(err) == "" {
		t.Errorf("Open beside process %d = %v, hint %q", p.cmd.Process.Pid, err, fault.HintOf(err))
	}
	do(t, connect(t, dir), "SET still served")
	p.kill()
	open(t, embedredis.Config{Dir: dir})
	do(t, connect(t, dir), "SET taken over")
}

func TestSocket(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"short path":                     "queue",
		"path longer than an address is": strings.Repeat("a-long-name/", 12),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), dir)
			if _, err := embedredis.Connect(t.Context(), dir); !errors.Is(err, embedredis.ErrNoWorker) || fault.HintOf(err) == "" {
				t.Errorf("Connect without a server = %v, hint %q", err, fault.HintOf(err))
			}
			s := open(t, embedredis.Config{Dir: dir})
			for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, "redis.sock"): 0o600 | os.ModeSocket} {
				if info, err := os.Stat(path); err != nil || info.Mode() != want {
					t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
				}
			}
			c := connect(t, dir)
			do(t, client(t, s), "SET a 1")
			if got := c.Get(t.Context(), "a").Val(); got != "1" {
				t.Errorf("over the socket a = %q", got)
			}
			closeServer(t, s)
			if err := c.Ping(t.Context()).Err(); !errors.Is(err, embedredis.ErrNoWorker) {
				t.Errorf("command after the server has gone = %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "redis.sock")); !os.IsNotExist(err) {
				t.Errorf("socket after Close: %v", err)
			}
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := open(t, embedredis.Config{Dir: t.TempDir()})
	c := client(t, s)
	do(t, c, "SET a 1")
	if err := s.Err(); err != nil {
		t.Errorf("Err = %v", err)
	}
	closeServer(t, s)
	closeServer(t, s)
	<-s.Done()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("a command after Close succeeds")
	}
}

func TestCloseDoesNotWaitForAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, embedredis.Config{Dir: dir})
	if err := client(t, s).Set(t.Context(), "large", strings.Repeat("x", 4<<20), 0).Err(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", filepath.Join(dir, "redis.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n*1\r\n$4\r\nQUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it is being served
		t.Fatal(err)
	}
	closeServer(t, s)
}

func TestSnapshotsReplaceJournals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, embedredis.Config{Dir: dir, MaxJournalBytes: 1000})
	c := client(t, s)
	before, err := filepath.Glob(filepath.Join(dir, "snapshot-*"))
	if err != nil || len(before) != 1 {
		t.Fatalf("snapshots %v, %v", before, err)
	}
	deadline := time.After(time.Minute)
	for i := 0; ; i++ {
		do(t, c, "SET key "+strings.Repeat("x", 500)+strconv.Itoa(i))
		if _, err := os.Stat(before[0]); os.IsNotExist(err) {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("no snapshot in a minute")
		}
	}
	closeServer(t, s)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("after Close: %v, %v; want lock, snapshot and journal", files, err)
	}
}
