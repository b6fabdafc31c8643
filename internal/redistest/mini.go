package redistest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Bubble returns a Redis client for a test in a synctest bubble; the server uses the clock of the bubble. stop ends
// client and server; no goroutine may use them afterwards.
func Bubble(tb testing.TB) (rdb *redis.Client, stop func()) {
	tb.Helper()
	mini := miniredis.NewMiniRedis()
	rdb = Piped(tb, mini)
	done := make(chan struct{})
	go func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				mini.FastForward(time.Second)
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	return rdb, func() {
		close(done)
		rdb.Close()
		mini.Close()
	}
}

// Piped returns a client of mini that needs no network, so it works in a synctest bubble.
func Piped(tb testing.TB, mini *miniredis.Miniredis) *redis.Client {
	tb.Helper()
	rdb := redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return mini.Dial() },
		// It would resolve localhost, which bubbles share.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	tb.Cleanup(func() { rdb.Close() })
	return rdb
}
