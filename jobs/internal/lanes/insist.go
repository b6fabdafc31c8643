package lanes

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	insistFor   = 3 * time.Second // after a while without a connection, a client retries only once a second
	insistEvery = 100 * time.Millisecond
)

// Insist repeats fn for a few seconds while it fails because Redis is unreachable or still starting.
func Insist(ctx context.Context, fn func() error) error {
	tick := time.NewTicker(insistEvery)
	defer tick.Stop()
	started := time.Now()
	for {
		err := fn()
		if err == nil || !away(err) || time.Since(started) >= insistFor {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// away reports whether err means that Redis was unreachable or not ready yet.
func away(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		redis.IsLoadingError(err) || redis.IsMasterDownError(err)
}
