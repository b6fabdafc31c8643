package redistest_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/redistest"
)

// proxied returns a proxy for a server, and the server.
func proxied(t *testing.T) (*redistest.Proxy, *miniredis.Miniredis) {
	t.Helper()
	mini := miniredis.RunT(t)
	return redistest.New(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", mini.Addr())
	}), mini
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  redistest.Fault
		count  string // the server's count afterwards, if the client does not repeat
		answer bool
	}{
		{"without a fault it is counted once", redistest.None, "1", true},
		{"a command that is cut off is not carried out", redistest.Cut, "", false},
		{"a command without an answer is carried out", redistest.Lose, "1", false},
		{"a command with a late answer is carried out", redistest.Delay, "1", false},
		{"a repeated command is carried out twice", redistest.Twice, "2", true},
		{"a busy server carries nothing out", redistest.Busy, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, mini := proxied(t)
			rdb := p.Client(func(o *redis.Options) { o.MaxRetries = -1 })
			broken := p.BreakNext("INCR", tt.fault)
			err := rdb.Incr(t.Context(), "n").Err()
			if (err == nil) != tt.answer {
				t.Errorf("Incr() = %v, want an answer: %t", err, tt.answer)
			}
			if got, _ := mini.Get("n"); got != tt.count {
				t.Errorf("the server counted %q, want %q", got, tt.count)
			}
			if !broken() {
				t.Error("nothing was broken")
			}
			if err := rdb.Set(t.Context(), "after", 1, 0).Err(); err != nil {
				t.Errorf("the next command: %v", err)
			}
		})
	}
}

// A client that repeats its commands, as go-redis does by default, counts twice when a reply is lost.
func TestRepeatedCommandsAreSeen(t *testing.T) {
	t.Parallel()
	p, mini := proxied(t)
	p.BreakNext("INCR", redistest.Delay)
	if err := p.Client(nil).Incr(t.Context(), "n").Err(); err != nil {
		t.Fatal(err)
	}
	if got, _ := mini.Get("n"); got != "2" {
		t.Errorf("the server counted %q, want 2", got)
	}
}

func TestAllKindsOfRepliesPass(t *testing.T) {
	t.Parallel()
	p, _ := proxied(t)
	rdb := p.Client(nil)
	ctx := t.Context()
	big := strings.Repeat("x", 1<<20)
	pipe := rdb.TxPipeline()
	for range 100 {
		pipe.RPush(ctx, "list", big[:1000])
	}
	set, hash, none := pipe.Set(ctx, "big", big, 0), pipe.HSet(ctx, "hash", "a", "1", "b", "2"), pipe.Get(ctx, "none")
	if _, err := pipe.Exec(ctx); err != redis.Nil || set.Err() != nil || hash.Val() != 2 || none.Err() != redis.Nil { //nolint:errorlint // exactly this
		t.Errorf("a transaction: %v, %v, %v", err, set.Err(), hash.Val())
	}
	if got := rdb.Get(ctx, "big").Val(); got != big {
		t.Errorf("%d bytes came, want %d", len(got), len(big))
	}
	if got := rdb.HGetAll(ctx, "hash").Val(); len(got) != 2 {
		t.Errorf("the hash is %v", got)
	}
	if got := rdb.LLen(ctx, "list").Val(); got != 100 {
		t.Errorf("the list has %d entries, want 100", got)
	}
	got, err := redis.NewScript("return {1, {'a', false}, redis.status_reply('x')}").Run(ctx, rdb, nil).Slice()
	if err != nil || len(got) != 3 {
		t.Errorf("the script answered %v, %v", got, err)
	}
	channel := rdb.Subscribe(ctx, "news")
	defer channel.Close()
	if _, err := channel.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	rdb.Publish(ctx, "news", "text")
	if m, err := channel.ReceiveMessage(ctx); err != nil || m.Payload != "text" {
		t.Errorf("the message is %v, %v", m, err)
	}
}

func TestStoppedServersGoOn(t *testing.T) {
	t.Parallel()
	p, mini := proxied(t)
	once := p.Client(func(o *redis.Options) { o.MaxRetries = -1 })
	if err := once.Set(t.Context(), "key", "before", 0).Err(); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if err := once.Set(t.Context(), "key", "after", 0).Err(); err == nil {
		t.Error("a stopped server answers")
	}
	if got, _ := mini.Get("key"); got != "before" {
		t.Errorf("a stopped server has carried a command out: %q", got)
	}
	p.Continue()
	if got := once.Get(t.Context(), "key").Err(); got != nil {
		t.Errorf("after it has gone on: %v", got)
	}
}
