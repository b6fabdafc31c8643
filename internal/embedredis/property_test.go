package embedredis_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"mixduck/internal/embedredis"
	"mixduck/internal/rapidtest"
)

// model is a miniredis that is never restarted.
type model struct {
	redis  *miniredis.Miniredis
	client *redis.Client
}

func newModel(clock *clock) *model {
	m := &model{redis: miniredis.NewMiniRedis()}
	m.redis.SetTime(clock.now().UTC())
	m.client = redis.NewClient(&redis.Options{Protocol: 2, Dialer: func(context.Context, string, string) (net.Conn, error) { return m.redis.Dial() }})
	return m
}

func (m *model) close() {
	_ = m.client.Close()
	m.redis.Close()
}

func (m *model) advance(d time.Duration, now time.Time) {
	m.redis.FastForward(d)
	m.redis.SetTime(now.UTC())
}

// commandGen draws a command as words. There are few keys, so types clash and commands fail.
func commandGen() *rapid.Generator[[]any] {
	patterns := []string{
		"SET K V", "SET K V EX T", "SET K V NX", "SET K V KEEPTTL", "SETEX K T V", "GETSET K V", "GETDEL K", "INCRBY K N", "INCRBYFLOAT K F", "APPEND K V",
		"DEL K", "DEL K K", "EXPIRE K T", "PEXPIRE K T000", "EXPIREAT K U", "PERSIST K", "RENAME K K", "MSET K V K V",
		"HSET K V V V V", "HDEL K V", "HINCRBY K V N", "HSETNX K V V",
		"RPUSH K V V", "LPUSH K V", "LPOP K", "RPOP K", "LREM K N V", "LTRIM K 0 2", "RPOPLPUSH K K", "LSET K 0 V", "LMOVE K K LEFT RIGHT",
		"SADD K V V", "SREM K V", "SMOVE K K V", "SUNIONSTORE K K K", "SDIFFSTORE K K K",
		"ZADD K F V F V", "ZADD K GT F V", "ZINCRBY K F V", "ZREM K V", "ZREMRANGEBYSCORE K 0 F", "ZPOPMIN K", "ZUNIONSTORE K 2 K K",
		"GET K", "HGETALL K", "ZRANGE K 0 -1", "FLUSHALL", "SET K", "EVAL S 1 K V",
	}
	scripts := []string{
		`return redis.call("SET", KEYS[1], ARGV[1])`,
		`redis.call("RPUSH", KEYS[1], redis.call("TIME")[1]); return redis.call("LPUSH", KEYS[1], ARGV[1])`,
		`redis.pcall("HSET", KEYS[1], "f", ARGV[1]); redis.pcall("SADD", KEYS[1], ARGV[1]); return redis.call("INCR", "k1")`,
		`if redis.call("EXISTS", KEYS[1]) == 1 then return redis.call("EXPIRE", KEYS[1], 100) end`,
		`return redis.call("DEL", KEYS[1])`,
	}
	return rapid.Custom(func(t *rapid.T) []any {
		var args []any
		for word := range strings.FieldsSeq(rapid.SampledFrom(patterns).Draw(t, "command")) {
			switch word {
			case "K":
				args = append(args, fmt.Sprint("k", rapid.IntRange(1, 4).Draw(t, "key")))
			case "V":
				args = append(args, rapid.SampledFrom([]string{"", "a", "b", "1", "\x00\r\n\xff"}).Draw(t, "value"))
			case "T", "T000":
				args = append(args, fmt.Sprint(rapid.IntRange(30, 600).Draw(t, "seconds"), word[1:]))
			case "U":
				args = append(args, newClock().now().Unix()+rapid.Int64Range(-100, 2000).Draw(t, "time"))
			case "N":
				args = append(args, rapid.IntRange(-2, 2).Draw(t, "count"))
			case "F":
				args = append(args, rapid.SampledFrom([]string{"0.1", "-2.5e-300", "inf", "3", "17e200"}).Draw(t, "score"))
			case "S":
				args = append(args, rapid.SampledFrom(scripts).Draw(t, "script"))
			default:
				args = append(args, word)
			}
		}
		return args
	})
}

// restarter is a server that is restarted, or killed, between commands.
type restarter struct {
	t      testing.TB
	config embedredis.Config
	server *embedredis.Server
	client *redis.Client
}

func (r *restarter) start() {
	s, err := embedredis.Open(r.t.Context(), r.config, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	r.server, r.client = s, s.Client()
}

func (r *restarter) stop() {
	_ = r.client.Close()
	if err := r.server.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// kill continues with the current files.
func (r *restarter) kill() {
	left := r.t.TempDir()
	for _, pattern := range []string{"snapshot*", "journal*"} {
		paths, _ := filepath.Glob(filepath.Join(r.config.Dir, pattern))
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(filepath.Join(left, filepath.Base(path)), data, 0o600)
			}
			if err != nil {
				r.t.Fatal(err)
			}
		}
	}
	r.stop()
	r.config.Dir = left
	r.start()
}

func TestRestartsMakeNoDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		clock := newClock()
		m := newModel(clock)
		defer m.close()
		r := &restarter{t: t, config: embedredis.Config{Dir: t.TempDir(), Now: clock.now}}
		r.start()
		defer func() { r.stop() }()
		both := func(f func(c *redis.Client) error) {
			want, got := f(m.client), f(r.client)
			if fmt.Sprint(want) != fmt.Sprint(got) {
				rt.Fatalf("error %v, want %v", got, want)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"command": func(rt *rapid.T) {
				args := commandGen().Draw(rt, "args")
				both(func(c *redis.Client) error { return c.Do(t.Context(), args...).Err() })
			},
			"transaction": func(rt *rapid.T) {
				commands := rapid.SliceOfN(commandGen(), 1, 4).Draw(rt, "commands")
				both(func(c *redis.Client) error {
					_, err := c.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
						for _, args := range commands {
							p.Do(t.Context(), args...)
						}
						return nil
					})
					return err
				})
			},
			"advance": func(rt *rapid.T) {
				d := time.Duration(rapid.IntRange(60, 300).Draw(rt, "seconds")) * time.Second
				clock.advance(d)
				m.advance(d, clock.now())
			},
			"restart": func(*rapid.T) {
				r.stop()
				r.start()
			},
			"kill": func(*rapid.T) { r.kill() },
			"": func(rt *rapid.T) {
				if diff := cmp.Diff(contents(t, m.client), contents(t, r.client)); diff != "" {
					rt.Fatalf("never restarted (-), restarted (+):\n%s", diff)
				}
			},
		})
	})
}
