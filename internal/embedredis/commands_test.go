package embedredis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
)

// way is how a client reaches the server.
type way string

const (
	inProcess  way = "in the process"
	overSocket way = "over the socket"
	protocol3  way = "over the socket with protocol 3"
)

// serve serves a separate directory and returns a client, and a function that restarts the server and returns another
// client.
func (w way) serve(t *testing.T) (c *redis.Client, restart func() *redis.Client) {
	t.Helper()
	config := embedredis.Config{Dir: t.TempDir()}
	var s *embedredis.Server
	start := func() *redis.Client {
		if s != nil {
			closeServer(t, s)
		}
		s = open(t, config)
		switch w {
		case inProcess:
			return client(t, s)
		case protocol3:
			options := *connect(t, config.Dir).Options()
			options.Protocol = 3
			c := redis.NewClient(&options)
			t.Cleanup(func() { _ = c.Close() })
			return c
		default:
			return connect(t, config.Dir)
		}
	}
	return start(), start
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, restarted := way.serve(t)
			ctx := t.Context()
			cmds, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "a", 1, 0)
				p.Incr(ctx, "a")
				p.Eval(ctx, `return redis.call("INCRBY", KEYS[1], 10)`, []string{"a"})
				return nil
			})
			if err != nil || cmds[2].(*redis.Cmd).Val() != int64(12) {
				t.Fatalf("transaction: %v, %v", cmds, err)
			}
			watch := func(disturb string) error {
				return c.Watch(ctx, func(tx *redis.Tx) error {
					if disturb != "" {
						do(t, c, disturb)
					}
					_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
						p.Append(ctx, "watched", "x")
						return nil
					})
					return err
				}, "watched", "also")
			}
			if err := watch(""); err != nil {
				t.Errorf("undisturbed: %v", err)
			}
			if err := watch("SET also 1"); !errors.Is(err, redis.TxFailedErr) {
				t.Errorf("a watched key changed: %v, want %v", err, redis.TxFailedErr)
			}
			if err := watch("SET neither 1"); err != nil {
				t.Errorf("another key changed: %v", err)
			}
			_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "refused", 1, 0)
				p.Do(ctx, "XADD", "stream", "*", "a", "b")
				return nil
			})
			if err == nil || c.Exists(ctx, "refused").Val() != 0 {
				t.Errorf("with a refused command: %v", err)
			}
			want := contents(t, c)
			if want["watched"] != `string "xx", ends in -1ns` {
				t.Errorf("watched = %s", want["watched"])
			}
			if diff := cmp.Diff(want, contents(t, restarted())); diff != "" {
				t.Errorf("after a restart (-before +after):\n%s", diff)
			}
		})
	}
}

func TestPipelineLargerThanAnyBuffer(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, restarted := way.serve(t)
			ctx, value := t.Context(), strings.Repeat("v", 1000)
			for _, keys := range []int{3000, 6000} {
				_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
					for i := range keys {
						p.GetSet(ctx, fmt.Sprint("key", i), value)
					}
					return nil
				})
				if err != nil && !errors.Is(err, redis.Nil) {
					t.Fatal(err)
				}
			}
			if got := restarted().DBSize(ctx).Val(); got != 6000 {
				t.Errorf("%d keys, want 6000", got)
			}
		})
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, restarted := way.serve(t)
			ctx := t.Context()
			loaded := redis.NewScript(`redis.call("RPUSH", KEYS[1], "loaded"); return redis.call("LLEN", KEYS[1])`)
			if err := loaded.Load(ctx, c).Err(); err != nil {
				t.Fatal(err)
			}
			evaluated := redis.NewScript(`if redis.call("EXISTS", KEYS[1]) == 1 then redis.call("RPUSH", KEYS[1], "evaluated", redis.call("TIME")[2]) end`)
			if err := evaluated.EvalSha(ctx, c, []string{"list"}).Err(); err == nil || !strings.Contains(err.Error(), "NOSCRIPT") {
				t.Errorf("unknown script: %v", err)
			}
			// The first run of each changes nothing or uses Run, the second uses only EVALSHA.
			for range 2 {
				if err := evaluated.Run(ctx, c, []string{"list"}).Err(); err != nil && !errors.Is(err, redis.Nil) {
					t.Fatal(err)
				}
				if err := loaded.EvalSha(ctx, c, []string{"list"}).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Eval(ctx, `redis.call("SET", KEYS[1], 1); redis.call("LPUSH", KEYS[1], 1)`, []string{"half"}).Err(); err == nil {
				t.Error("a script that fails half-way does not fail")
			}
			want := contents(t, c)
			for range 2 {
				c = restarted()
				if diff := cmp.Diff(want, contents(t, c)); diff != "" {
					t.Errorf("after a restart (-before +after):\n%s", diff)
				}
			}
			if n, err := loaded.EvalSha(ctx, c, []string{"list"}).Int(); err != nil || n != 5 {
				t.Errorf("EVALSHA after a restart = %v, %v", n, err)
			}
		})
	}
}

func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, _ := way.serve(t)
			ctx := t.Context()
			do(t, c, "SADD set a b", "SELECT 0")
			for _, command := range []string{
				"BLPOP list 0", "SPOP set", "XADD s * a b", "PFADD h a", "HEXPIRE h 1 FIELDS 1 a", "SELECT 1", "MOVE set 1",
				"KEYS [z-a]", "SCAN 0 MATCH [z-a]", "NOSUCHCOMMAND",
			} {
				var args []any
				var quoted []string
				for word := range strings.FieldsSeq(command) {
					args = append(args, word)
					quoted = append(quoted, strconv.Quote(word))
				}
				script := "return redis.call(" + strings.Join(quoted, ",") + ")"
				if err := c.Do(ctx, args...).Err(); err == nil || !strings.Contains(err.Error(), "embedded queue") {
					t.Errorf("%s: %v", command, err)
				}
				if err := c.Eval(ctx, script, nil).Err(); err == nil || !strings.Contains(err.Error(), "embedded queue") {
					t.Errorf("%s in a script: %v", command, err)
				}
			}
			for _, chance := range []string{"math.random", "os.clock"} {
				if err := c.Eval(ctx, `return redis.call("SET", "r", `+chance+`())`, nil).Err(); err == nil {
					t.Errorf("%s is let through", chance)
				}
			}
		})
	}
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, _ := way.serve(t)
			ctx := t.Context()
			sub, pattern := c.Subscribe(ctx, "news"), c.PSubscribe(ctx, "ne?s")
			for _, s := range []*redis.PubSub{sub, pattern} {
				if _, err := s.Receive(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if n := c.Publish(ctx, "news", "hello").Val(); n != 2 {
				t.Errorf("published to %d, want 2", n)
			}
			if err := c.Eval(ctx, `return redis.call("PUBLISH", "news", "from a script")`, nil).Err(); err != nil {
				t.Error(err)
			}
			for _, s := range []*redis.PubSub{sub, pattern} {
				for _, want := range []string{"hello", "from a script"} {
					if m, err := s.ReceiveMessage(ctx); err != nil || m.Payload != want {
						t.Errorf("received %v, %v; want %s", m, err, want)
					}
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			for c.Publish(ctx, "news", "to nobody").Val() != 0 { // until the server has noticed that they are gone
				if ctx.Err() != nil {
					t.Fatal("subscriptions outlive their connections")
				}
			}
		})
	}
}

func TestSubscriberThatDoesNotReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for _, way := range []way{inProcess, overSocket, protocol3} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			c, _ := way.serve(t)
			ctx := t.Context()
			sub := c.Subscribe(ctx, "news")
			defer sub.Close()
			if _, err := sub.Receive(ctx); err != nil {
				t.Fatal(err)
			}
			message := strings.Repeat("m", 1<<20)
			for range 100 {
				if c.Publish(ctx, "news", message).Val() == 0 {
					return
				}
				do(t, c, "INCR written")
			}
			t.Error("a hundred megabytes wait for a subscriber that does not read")
		})
	}
}

func TestWhatChangesNothingIsNotWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := client(t, open(t, embedredis.Config{Dir: dir}))
	ctx := t.Context()
	poll := redis.NewScript(`local id = redis.call("RPOPLPUSH", KEYS[1], KEYS[2]); if id then redis.call("DEL", id) end; return id`)
	run := func(ctx context.Context) {
		_ = poll.Run(ctx, c, []string{"pending", "active"}).Err()
		do(t, c, "LPOP pending", "DEL a b", "EXPIRE a 1", "ZREMRANGEBYSCORE z 0 1", "GET a")
	}
	run(ctx)
	before := journalBytes(t, dir)
	for range 100 {
		run(ctx)
	}
	if grown := journalBytes(t, dir) - before; grown != 0 {
		t.Errorf("polling an empty queue wrote %d bytes", grown)
	}
	do(t, c, "LPUSH pending a")
	run(ctx)
	if journalBytes(t, dir) == before {
		t.Error("a poll that found something wrote nothing")
	}
}

func journalBytes(tb testing.TB, dir string) int64 {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "journal-*"))
	if err != nil || len(files) != 1 {
		tb.Fatalf("journals %v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}
