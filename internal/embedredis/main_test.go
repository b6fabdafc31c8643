package embedredis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"mixduck/internal/embedredis"
	"mixduck/internal/rapidtest"
)

// childVariable makes the test binary a process that serves the directory in it, until it is killed.
const childVariable = "EMBEDREDIS_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		os.Exit(child(dir))
	}
	rapidtest.Checks(40) // `make soak` runs more
	goleak.VerifyTestMain(m)
}

// child serves dir. With the argument "write" it also writes through its own client, and prints what was acknowledged.
func child(dir string) int {
	ctx := context.Background()
	s, err := embedredis.Open(ctx, embedredis.Config{Dir: dir, MaxJournalBytes: 32 << 10}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("serving")
	if slices.Contains(os.Args, "write") {
		var mu sync.Mutex
		writeForever(ctx, s.Client(), strconv.Itoa(os.Getpid()), func(id string) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Println(id)
		})
	}
	<-s.Done()
	return 0
}

// writeForever writes in several ways at once until a write fails. Each acknowledged ID is then a member of "ids".
func writeForever(ctx context.Context, client *redis.Client, prefix string, acknowledged func(id string)) {
	script := redis.NewScript(`return redis.call("ZADD", KEYS[1], redis.call("TIME")[1], ARGV[1])`)
	ways := []func(id string) error{
		func(id string) error { return client.ZAdd(ctx, "ids", redis.Z{Member: id}).Err() },
		func(id string) error { return script.Run(ctx, client, []string{"ids"}, id).Err() },
		func(id string) error {
			_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Incr(ctx, "count")
				p.ZAdd(ctx, "ids", redis.Z{Member: id})
				return nil
			})
			return err
		},
		func(id string) error {
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "last", id, 0)
				p.ZAdd(ctx, "ids", redis.Z{Member: id})
				return nil
			})
			return err
		},
	}
	var writers sync.WaitGroup
	for w, write := range ways {
		writers.Go(func() {
			for i := range 1_000_000 {
				id := fmt.Sprintf("%s-%d-%d", prefix, w, i)
				if err := write(id); err != nil {
					return
				}
				acknowledged(id)
			}
		})
	}
	writers.Wait()
}

// process is a child that serves a directory.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startChild(tb testing.TB, dir string, args ...string) *process {
	tb.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &process{cmd, bufio.NewScanner(out)}
	tb.Cleanup(func() { p.kill() })
	if line := p.line(); line != "serving" {
		tb.Fatalf("child said %q", line)
	}
	return p
}

// line returns the next line of the child's output, or "" at the end.
func (p *process) line() string {
	if !p.lines.Scan() {
		return ""
	}
	return p.lines.Text()
}

// kill ends the child and returns its unread output.
func (p *process) kill() []string {
	_ = p.cmd.Process.Kill()
	var rest []string
	for line := p.line(); line != ""; line = p.line() { // before Wait, which would cut off the last line
		rest = append(rest, line)
	}
	_ = p.cmd.Wait()
	return rest
}

func open(tb testing.TB, config embedredis.Config) *embedredis.Server {
	tb.Helper()
	s, err := embedredis.Open(tb.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func closeServer(tb testing.TB, s *embedredis.Server) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// client returns a client that is closed at the end of the test, before the server.
func client(tb testing.TB, s *embedredis.Server) *redis.Client {
	tb.Helper()
	c := s.Client()
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func connect(tb testing.TB, dir string) *redis.Client {
	tb.Helper()
	c, err := embedredis.Connect(tb.Context(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// do runs commands given as words.
func do(tb testing.TB, c *redis.Client, commands ...string) {
	tb.Helper()
	for _, command := range commands {
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, word)
		}
		if err := c.Do(tb.Context(), args...).Err(); err != nil && !errors.Is(err, redis.Nil) {
			tb.Fatalf("%s: %v", command, err)
		}
	}
}

// contents describes everything in c's Redis: the value and the time to live of each key.
func contents(tb testing.TB, c *redis.Client) map[string]string {
	tb.Helper()
	ctx := tb.Context()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string]string{}
	for _, key := range keys {
		all[key] = fmt.Sprintf("%s, ends in %v", value(tb, c, key), c.PTTL(ctx, key).Val())
	}
	return all
}

func value(tb testing.TB, c *redis.Client, key string) string {
	tb.Helper()
	ctx := tb.Context()
	switch t := c.Type(ctx, key).Val(); t {
	case "string":
		return fmt.Sprintf("string %q", c.Get(ctx, key).Val())
	case "hash":
		return fmt.Sprintf("hash %q", c.HGetAll(ctx, key).Val())
	case "list":
		return fmt.Sprintf("list %q", c.LRange(ctx, key, 0, -1).Val())
	case "set":
		return fmt.Sprintf("set %q", c.SMembers(ctx, key).Val())
	case "zset":
		return fmt.Sprintf("zset %v", c.ZRangeWithScores(ctx, key, 0, -1).Val())
	default:
		tb.Fatalf("key %q has type %q", key, t)
		return ""
	}
}
