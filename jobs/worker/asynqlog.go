package worker

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

// asynqLog forwards Asynq's log to slog. Its warnings and errors are about outages of Redis, which the worker
// survives, and come in bursts: one per ten seconds is forwarded. The rest is logged at debug level.
type asynqLog struct {
	log   *slog.Logger
	quiet *limiter
}

var _ asynq.Logger = asynqLog{}

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", slog.String("text", fmt.Sprint(args...))) }

func (l asynqLog) Info(args ...any) { l.Debug(args...) }

func (l asynqLog) Error(args ...any) { l.Warn(args...) }

func (l asynqLog) Warn(args ...any) {
	if dropped, ok := l.quiet.allow(time.Now()); ok {
		l.log.Warn("asynq", slog.String("text", fmt.Sprint(args...)), slog.Int("dropped", dropped))
	}
}

func (l asynqLog) Fatal(args ...any) {
	l.log.Error("asynq", slog.String("text", fmt.Sprint(args...)))
}

// quietFor is how long a limiter suppresses messages after one was logged.
const quietFor = 10 * time.Second

// limiter limits repeated messages. It is safe for concurrent use; the zero value is ready.
type limiter struct {
	mu      sync.Mutex
	last    time.Time
	dropped int
}

// allow reports whether a message may be logged now, and how many were suppressed since the last one.
func (l *limiter) allow(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < quietFor {
		l.dropped++
		return 0, false
	}
	dropped, l.dropped, l.last = l.dropped, 0, now
	return dropped, true
}
