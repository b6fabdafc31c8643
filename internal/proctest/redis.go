package proctest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis is a real redis-server on a unix socket. By default it syncs each write to disk before it replies, so it can
// be killed and restarted without losing anything.
type Redis struct {
	Dir     string
	Socket  string
	Process *Process

	password string // "" for none
	args     []string
}

// NewRedis starts a Redis with additional arguments, for example "--requirepass", "secret". They override the
// defaults. On a machine without redis-server the test is skipped; in CI, it fails.
func NewRedis(tb testing.TB, args ...string) *Redis {
	tb.Helper()
	return newRedis(tb, "", args)
}

// NewRedisWithPassword is NewRedis for a server that requires a password.
func NewRedisWithPassword(tb testing.TB, password string) *Redis {
	tb.Helper()
	return newRedis(tb, password, []string{"--requirepass", password})
}

func newRedis(tb testing.TB, password string, args []string) *Redis {
	tb.Helper()
	RequireRedis(tb)
	logging.Disable() // go-redis prints a line for each failed connection, and tests kill servers
	dir := ShortDir(tb)
	r := &Redis{Dir: dir, Socket: filepath.Join(dir, "redis.sock"), password: password, args: args}
	r.Start(tb)
	return r
}

// RequireRedis skips the test on a machine without redis-server, or fails it in CI.
func RequireRedis(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		tb.Fatal("redis-server is not installed")
	}
	tb.Skip("SKIPPED: redis-server is not installed, so NOTHING was tested on a real Redis")
}

// Start restarts a killed server with its data, and waits until it responds.
func (r *Redis) Start(tb testing.TB) {
	tb.Helper()
	args := []string{
		"--port", "0", "--unixsocket", r.Socket, "--dir", r.Dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}
	r.Process = Start(tb, nil, "redis-server", append(args, r.args...)...)
	r.Process.WaitFor(tb, "eady to accept connections")
}

// Kill ends the server with SIGKILL.
func (r *Redis) Kill() { r.Process.Kill() }

// URL returns the value for --redis-url.
func (r *Redis) URL() string {
	if r.password != "" {
		return "unix://:" + r.password + "@" + r.Socket
	}
	return "unix://" + r.Socket
}

// Client returns a client that is closed when the test ends.
func (r *Redis) Client(tb testing.TB) *redis.Client {
	tb.Helper()
	rdb := redis.NewClient(&redis.Options{
		Network: "unix", Addr: r.Socket, Password: r.password,
		// It would resolve the address, which a synctest bubble may not share with another.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// ShortDir returns a temporary directory with a path short enough for a unix socket (107 bytes): those of TempDir can be
// longer.
func ShortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "mixduck-") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago.
func FreePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}
