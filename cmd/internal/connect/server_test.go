package connect_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/connect"
	"mixduck/internal/proctest"
)

// ask returns the problems of a server, one per line.
func ask(t *testing.T, opt *redis.Options) string {
	t.Helper()
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { _ = rdb.Close() })
	problems, err := connect.Problems(t.Context(), rdb)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range problems {
		line := string(p.Kind)
		if p.Fatal {
			line += "!"
		}
		if len(p.Text) == 0 || strings.ContainsAny(p.Text, "\n") {
			t.Errorf("text of %s: %q", p.Kind, p.Text)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}

func TestProblemsOfServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"all is well", nil, ""},
		{"any key may be evicted", []string{"--maxmemory-policy", "allkeys-lru"}, "eviction!"},
		{"keys with a time to live may be evicted", []string{"--maxmemory-policy", "volatile-ttl"}, "eviction"},
		{"nothing is stored", []string{"--appendonly", "no"}, "persistence"},
		{"only snapshots are", []string{"--appendonly", "no", "--save", "900 1"}, "persistence"},
		{"a replica", []string{"--replicaof", "127.0.0.1", "1"}, "role"},
		{"no CONFIG, as managed services have it", []string{"--rename-command", "CONFIG", "", "--maxmemory-policy", "allkeys-random"}, "eviction!"},
		{"no CONFIG, and no log", []string{"--rename-command", "CONFIG", "", "--appendonly", "no"}, "persistence"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := proctest.NewRedis(t, tt.args...)
			if got := ask(t, &redis.Options{Network: "unix", Addr: r.Socket}); got != tt.want {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
		})
	}
}

// A user whose ACL forbids INFO and CONFIG gets a message about it.
func TestAServerThatMayNotBeAsked(t *testing.T) {
	t.Parallel()
	r := proctest.NewRedis(t)
	admin := redis.NewClient(&redis.Options{Network: "unix", Addr: r.Socket})
	defer admin.Close()
	acl := []any{"ACL", "SETUSER", "app", "on", ">apppw", "~*", "&*", "+@all", "-@dangerous", "-@admin"}
	if err := admin.Do(context.Background(), acl...).Err(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, &redis.Options{Network: "unix", Addr: r.Socket, Username: "app", Password: "apppw"}); got != "unknown" {
		t.Errorf("problems %q, want unknown", got)
	}
	wrong := redis.NewClient(&redis.Options{Network: "unix", Addr: r.Socket, Username: "app", Password: "wrong"})
	defer wrong.Close()
	if problems, err := connect.Problems(t.Context(), wrong); err == nil {
		t.Errorf("a wrong password passes for %v", problems)
	}
}
