package embedredis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// asker runs one script repeatedly, like idle workers that ask for a task.
type asker struct {
	*testing.T

	server *Server
	client *redis.Client
	clock  *atomic.Int64 // Unix nanoseconds
}

func newAsker(t *testing.T) asker {
	t.Helper()
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	s := mustOpen(t, Config{Dir: t.TempDir(), Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	return asker{T: t, server: s, client: clientOf(t, s), clock: &clock}
}

func (a asker) pass(d time.Duration) { a.clock.Add(int64(d)) }

// remembered returns the number of cached replies.
func (a asker) remembered() int {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return len(a.server.answers.known)
}

// ask returns the script's reply, or the text of its error.
func (a asker) ask(script string) string {
	a.Helper()
	got, err := a.client.EvalSha(a.Context(), redis.NewScript(script).Hash(), []string{"key"}, "value").Result()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(got)
}

func (a asker) load(script string) {
	a.Helper()
	if err := a.client.ScriptLoad(a.Context(), script).Err(); err != nil {
		a.Fatal(err)
	}
}

const (
	pollScript = `return redis.call("LPOP", KEYS[1]) or "none"`
	readScript = `return redis.call("GET", KEYS[1]) or "none"`
)

func TestAnswersThatChangeNothingAreRepeated(t *testing.T) {
	t.Parallel()
	a := newAsker(t)
	a.load(pollScript)
	for range 3 {
		if got := a.ask(pollScript); got != "none" {
			t.Fatalf("polled %q", got)
		}
	}
	if n := a.remembered(); n != 1 {
		t.Errorf("%d answers are remembered, want 1", n)
	}
	push := func() {
		if err := a.client.RPush(t.Context(), "key", "a", "b").Err(); err != nil {
			t.Fatal(err)
		}
	}
	push()
	got := []string{a.ask(pollScript), a.ask(pollScript), a.ask(pollScript), a.ask(pollScript)}
	if want := []string{"a", "b", "none", "none"}; !slices.Equal(got, want) {
		t.Errorf("polled %q, want %q", got, want)
	}
}

func TestAnswersAreThoseOfNow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		script string
		change func(ctx context.Context, a asker) error
		want   string // prefix of the reply after the change
	}{
		{"another client writes", readScript, func(ctx context.Context, a asker) error {
			return a.client.Set(ctx, "key", "new", 0).Err()
		}, "new"},
		{"a transaction writes", readScript, func(ctx context.Context, a asker) error {
			_, err := a.client.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "key", "new", 0).Err() })
			return err
		}, "new"},
		{"another script writes", readScript, func(ctx context.Context, a asker) error {
			return a.client.Eval(ctx, `return redis.call("SET", "key", "new")`, nil).Err()
		}, "new"},
		{"the key's time ends", readScript, func(_ context.Context, a asker) error {
			a.pass(2 * time.Minute)
			return nil
		}, "none"},
		{"the script asks for the time that is left", `return redis.call("PTTL", KEYS[1])`, func(_ context.Context, a asker) error {
			a.pass(20 * time.Second)
			return nil
		}, "40000"},
		{"the script tells the time", `return redis.call("TIME")[1]`, func(_ context.Context, a asker) error {
			a.clock.Store(int64(4_000_000_000 * time.Second))
			return nil
		}, "4000000000"},
		{"the script is forgotten", readScript, func(ctx context.Context, a asker) error {
			return a.client.ScriptFlush(ctx).Err()
		}, "NOSCRIPT"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAsker(t)
			if err := a.client.Set(t.Context(), "key", "old", time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			a.load(test.script)
			if first, again := a.ask(test.script), a.ask(test.script); first != again {
				t.Fatalf("answers %q and %q", first, again)
			}
			if err := test.change(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if got := a.ask(test.script); !strings.HasPrefix(got, test.want) {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
}

func TestScriptsThatDoMoreThanReadAreRunAgain(t *testing.T) {
	t.Parallel()
	t.Run("a message is sent each time", func(t *testing.T) {
		t.Parallel()
		const publish = `return redis.call("PUBLISH", "news", ARGV[1])`
		a := newAsker(t)
		a.load(publish)
		news := a.client.Subscribe(t.Context(), "news")
		defer news.Close()
		if _, err := news.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := a.ask(publish); got != "1" {
				t.Fatalf("%s subscribers got it", got)
			}
			if _, err := news.ReceiveMessage(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("a write that was refused is tried again", func(t *testing.T) {
		t.Parallel()
		const set = `local r = redis.pcall("SET", KEYS[1], ARGV[1]); return r.err and "refused" or "written"`
		a := newAsker(t)
		a.load(set)
		disk := &fullDisk{file: a.server.journal.file}
		a.server.mu.Lock()
		a.server.journal.file = disk
		a.server.mu.Unlock()
		if got := a.ask(set); got != "refused" {
			t.Fatalf("with a full disk: %s", got)
		}
		a.server.mu.Lock()
		disk.room = 1 << 20
		a.server.mu.Unlock()
		if got := a.ask(set); got != "written" {
			t.Errorf("with room: %s", got)
		}
	})
}
