// Package budget shares the requests that Mixpanel allows a project among all workers of one Redis.
package budget

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs/internal/field"
)

// Config tunes a [Budget]. The defaults are the limits in Mixpanel's documentation of the raw event export.
type Config struct {
	Period    time.Duration    // the counting period; 0 means an hour
	PerPeriod int              // requests per Period; required
	PerSecond int              // 0 means 3
	AtOnce    int              // 0 means 100
	LeaseTTL  time.Duration    // how long a lease lasts without renewal; 0 means 1 min
	Now       func() time.Time // the clock shared by all processes; nil means Redis time
}

const (
	defaultPeriod    = time.Hour
	defaultPerSecond = 3
	defaultAtOnce    = 100
	defaultLeaseTTL  = time.Minute

	patience     = 2 * time.Second  // how long Acquire waits before it returns an error
	longestBlock = 24 * time.Hour   // even if the server asks for more
	leaseTimeout = 10 * time.Second // for returning a lease
)

// Budget holds the requests that Mixpanel allows a project, shared by all workers of one Redis. Each project name has
// a separate budget; requests with separate limits need different names. It is safe for concurrent use, and its data
// in Redis expires within an hour.
type Budget struct {
	rdb     redis.UniversalClient
	scripts scripts
	cfg     Config
	reserve int // requests of the hour left to others
}

// New returns a budget on rdb, which the caller closes. It does not connect.
func New(rdb redis.UniversalClient, cfg Config) (*Budget, error) {
	if cfg.PerPeriod <= 0 || cfg.Period < 0 || cfg.PerSecond < 0 || cfg.AtOnce < 0 || cfg.LeaseTTL < 0 {
		return nil, fault.Usage("omit it for the default", "the limits of a budget cannot be negative, and the one of a period is needed")
	}
	if cfg.Period == 0 {
		cfg.Period = defaultPeriod
	}
	if cfg.PerSecond == 0 {
		cfg.PerSecond = defaultPerSecond
	}
	if cfg.AtOnce == 0 {
		cfg.AtOnce = defaultAtOnce
	}
	if cfg.LeaseTTL == 0 {
		cfg.LeaseTTL = defaultLeaseTTL
	}
	return &Budget{rdb: rdb, scripts: loadScripts(), cfg: cfg}, nil
}

// Spare returns the same budget for callers that can wait. It books a request only while more than a third of the
// hourly limit is left, counting also what the server has said. So callers that cannot wait always find some.
func (b *Budget) Spare() *Budget {
	spare := *b
	spare.reserve = b.cfg.PerPeriod / 3
	return &spare
}

// Limit is one of the limits of a budget.
type Limit string

// The limits that can delay a request.
const (
	LimitHour    Limit = "hour"
	LimitSecond  Limit = "second"
	LimitAtOnce  Limit = "at once"
	LimitServer  Limit = "server"  // from Mixpanel's responses, set by [Budget.Overrule]
	LimitReserve Limit = "reserve" // the part of the hour that [Budget.Spare] leaves
)

// Error means that a project may not send a request now.
type Error struct {
	Project string
	Until   time.Time // when to ask again; others may be faster then
	Limit   Limit     // the reason
}

func (e *Error) Error() string {
	why := "Mixpanel asked to wait"
	switch e.Limit {
	case LimitHour:
		why = "the requests that Mixpanel allows are used up"
	case LimitSecond:
		why = "too many requests in a second"
	case LimitAtOnce:
		why = "too many requests are under way"
	case LimitReserve:
		why = "the rest of the requests is kept for jobs that cannot wait"
	case LimitServer:
	}
	project, api := split(e.Project)
	return fmt.Sprintf("%s budget of project %s: %s; the next may go at %s", api, project, why, e.Until.UTC().Format(time.RFC3339))
}

// RetryAt returns Until.
func (e *Error) RetryAt() time.Time { return e.Until }

// FaultCode returns [fault.CodeRateLimited].
func (e *Error) FaultCode() fault.Code { return fault.CodeRateLimited }

// Hint says where to find more information.
func (e *Error) Hint() string {
	project, _ := split(e.Project)
	return "wait; enqueue budget --project " + project + " shows what is left"
}

// Acquire books a request of a project and returns the lease for sending it. The request counts from then on, whether
// it succeeds or not. Acquire waits up to two seconds for its turn; if that is not enough, it books nothing and
// returns [*Error]. The holder names the caller, for people who inspect Redis. If ctx ends while it waits, nothing is
// booked, and it returns the cause of ctx. If Redis is unreachable, it returns Redis's error, because nobody knows
// whether a request may go.
func (b *Budget) Acquire(ctx context.Context, project, holder string) (Lease, error) {
	l := Lease{budget: b, project: project, id: holder + ":" + rand.Text()}
	now, err := b.now(ctx)
	if err != nil {
		return Lease{}, err
	}
	answer, err := b.book(ctx, l, now)
	if err != nil {
		return Lease{}, err
	}
	wait := answer.at.Sub(now)
	if !answer.booked {
		return Lease{}, &Error{Project: project, Until: b.local().Add(wait), Limit: answer.limit}
	}
	if wait <= 0 {
		return l, nil
	}
	turn := time.NewTimer(wait)
	defer turn.Stop()
	select {
	case <-turn.C:
		return l, nil
	case <-ctx.Done():
		l.withdraw(ctx)
		return Lease{}, context.Cause(ctx)
	}
}

// booking is the answer to a request for a booking.
type booking struct {
	booked bool
	at     time.Time // when it may be sent; if not booked, the earliest possible time
	limit  Limit     // the limit that delays it, if any
}

// book tries to book a request. Booking again with the same lease has no effect.
func (b *Budget) book(ctx context.Context, l Lease, now time.Time) (booking, error) {
	parts, err := b.scripts.acquire.Run(ctx, b.rdb, keysOf(l.project), l.id, now.UnixMilli(), b.cfg.PerPeriod, b.cfg.PerSecond,
		b.cfg.AtOnce, b.cfg.LeaseTTL.Milliseconds(), patience.Milliseconds(), b.reserve, b.cfg.Period.Milliseconds()).StringSlice()
	if err != nil {
		return booking{}, faultOf(l.project, err)
	}
	p := field.Parser{Fields: map[string]string{"at": parts[1]}}
	answer := booking{booked: parts[0] == "ok", at: p.Time("at"), limit: Limit(parts[2])}
	if p.Err != nil {
		return booking{}, faultOf(l.project, p.Err)
	}
	return answer, nil
}

// Overrule stores what the server said about a project: it allows so many more requests until a time. If none are
// left, as after a 429 with Retry-After, no request is sent before that time; times are limited to a day ahead.
// Otherwise the latest response counts. Overrule never allows more than the limits of the budget.
func (b *Budget) Overrule(ctx context.Context, project string, until time.Time, remaining int) error {
	now, err := b.now(ctx)
	if err != nil {
		return err
	}
	till := now.Add(min(until.Sub(b.local()), longestBlock))
	err = b.scripts.overrule.Run(ctx, b.rdb, keysOf(project), now.UnixMilli(), till.UnixMilli(), max(remaining, 0), b.cfg.Period.Milliseconds()).Err()
	return faultOf(project, err)
}

// State is the state of a project's budget.
type State struct {
	UsedLastHour int
	Limit        int       // per hour, as used by the last caller
	AtOnce       int       // requests in progress
	Left         int       // requests still allowed this hour, including by the server
	NextFreeAt   time.Time // when the next request may be sent; zero for now
	RefillsAt    time.Time // when the oldest request of the last hour stops counting; zero if there is none
	BlockedUntil time.Time // the server wants no request before; zero if it did not say so
}

// State returns the state of a project's budget. An unused budget is full.
func (b *Budget) State(ctx context.Context, project string) (State, error) {
	now, err := b.now(ctx)
	if err != nil {
		return State{}, err
	}
	parts, err := b.scripts.spent.Run(ctx, b.rdb, keysOf(project), now.UnixMilli(), b.cfg.PerPeriod, b.cfg.PerSecond, b.cfg.AtOnce, b.cfg.Period.Milliseconds()).StringSlice()
	if err != nil {
		return State{}, faultOf(project, err)
	}
	names := []string{"used", "per_hour", "at_once", "next", "refills", "blocked", "left", "until"}
	p := field.Parser{Fields: make(map[string]string, len(names))}
	for i, name := range names {
		p.Fields[name] = parts[i]
	}
	later := func(name string) time.Time { // in local time
		if t := p.Time(name); t.After(now) {
			return b.local().Add(t.Sub(now)).UTC()
		}
		return time.Time{}
	}
	s := State{
		UsedLastHour: int(p.Int("used")), Limit: int(p.Int("per_hour")), AtOnce: int(p.Int("at_once")),
		NextFreeAt: later("next"), RefillsAt: later("refills"), BlockedUntil: later("blocked"),
	}
	s.Left = max(0, s.Limit-s.UsedLastHour)
	if p.Fields["left"] != "" && !later("until").IsZero() {
		s.Left = min(s.Left, max(0, int(p.Int("left"))))
	}
	if !s.BlockedUntil.IsZero() {
		s.Left = 0
	}
	return s, faultOf(project, p.Err)
}

// now returns the time of the clock shared by all processes.
func (b *Budget) now(ctx context.Context) (time.Time, error) {
	if b.cfg.Now != nil {
		return b.cfg.Now(), nil
	}
	now, err := b.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask Redis for the time: %w", err)
	}
	return now, nil
}

// local returns the time of this machine, used for all arguments and results.
func (b *Budget) local() time.Time {
	if b.cfg.Now != nil {
		return b.cfg.Now()
	}
	return time.Now()
}

func faultOf(project string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("budget of project %s: %w", strconv.Quote(project), err)
}
