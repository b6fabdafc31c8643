// Package budget shares out the requests that Mixpanel allows a project among all workers of one Redis.
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

// Config tunes a [Budget]. Defaults are what Mixpanel's documentation of the raw event export allows a project.
type Config struct {
	Period    time.Duration    // in which requests are counted; 0 means an hour
	PerPeriod int              // requests in any Period; required
	PerSecond int              // 0 means 3
	AtOnce    int              // 0 means 100
	LeaseTTL  time.Duration    // after which a lease that nobody renews returns; 0 means 1 min
	Now       func() time.Time // the clock that all processes share; nil means that of Redis
}

const (
	defaultPeriod    = time.Hour
	defaultPerSecond = 3
	defaultAtOnce    = 100
	defaultLeaseTTL  = time.Minute

	patience     = 2 * time.Second  // for so long Acquire waits in place
	longestBlock = 24 * time.Hour   // whatever a server says
	leaseTimeout = 10 * time.Second // to give a lease back
)

// Budget is what Mixpanel allows a project, shared by all workers of one Redis. It is kept by project; who asks for
// different things under limits of their own needs different project names. It is safe for concurrent use, and what it
// stores goes by itself within an hour.
type Budget struct {
	rdb     redis.UniversalClient
	scripts scripts
	cfg     Config
	reserve int // requests of the hour that are left to others
}

// New returns a budget on rdb, which stays the caller's to close. It connects to nothing.
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

// Spare returns the same budget for those who can wait: it books a request only while more than a third of the hour's limit
// is left, also of what the server has said, so that those who cannot wait find some at any time.
func (b *Budget) Spare() *Budget {
	spare := *b
	spare.reserve = b.cfg.PerPeriod / 3
	return &spare
}

// Limit is one of the limits of a budget.
type Limit string

// The limits.
const (
	LimitHour    Limit = "hour"
	LimitSecond  Limit = "second"
	LimitAtOnce  Limit = "at once"
	LimitServer  Limit = "server"  // what Mixpanel said, as told to [Budget.Overrule]
	LimitReserve Limit = "reserve" // what [Budget.Spare] leaves of the hour
)

// Error says that a project may send no request now.
type Error struct {
	Project string
	Until   time.Time // when it is worth asking again; others may be faster then
	Limit   Limit     // that says so
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

// Hint says where to look.
func (e *Error) Hint() string {
	project, _ := split(e.Project)
	return "wait; enqueue budget --project " + project + " shows what is left"
}

// Acquire books a request of a project, which counts from then on whether it succeeds or not, and returns the lease to
// send it with. It waits up to two seconds for its turn; if that does not do it books nothing and returns
// [*Error]. The holder names who asks, for those who look into Redis. If ctx ends while it waits, nothing is booked
// and the cause of ctx is returned; without Redis, Redis's error is: then nobody can tell whether a request may go.
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

// booking is the answer to a question for a request.
type booking struct {
	booked bool
	at     time.Time // when it goes or, if it is not booked, might go
	limit  Limit     // that puts it off, if one does
}

// book asks for a request now. Asking twice for one lease books it once.
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

// Overrule keeps what the server said of a project: that it allows so many more requests until a time. With none left,
// as after a 429 with Retry-After, nothing goes before that time, which is taken to lie at most a day ahead. Otherwise
// its last word counts. It never allows more than the limits of the budget.
func (b *Budget) Overrule(ctx context.Context, project string, until time.Time, remaining int) error {
	now, err := b.now(ctx)
	if err != nil {
		return err
	}
	till := now.Add(min(until.Sub(b.local()), longestBlock))
	err = b.scripts.overrule.Run(ctx, b.rdb, keysOf(project), now.UnixMilli(), till.UnixMilli(), max(remaining, 0), b.cfg.Period.Milliseconds()).Err()
	return faultOf(project, err)
}

// State is how the budget of a project stands.
type State struct {
	UsedLastHour int
	Limit        int       // an hour, to which the last that asked was held
	AtOnce       int       // requests under way
	Left         int       // that may still go this hour, also by what the server said
	NextFreeAt   time.Time // when the next may go; zero if one may now
	RefillsAt    time.Time // when the oldest of the last hour no longer counts; zero if there is none
	BlockedUntil time.Time // the server wants none before; zero if it does not say so
}

// State returns how the budget of a project stands. One that nobody has used is whole.
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
	later := func(name string) time.Time { // on the clock of this machine
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

// now returns the time on the clock that all processes share.
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

// local returns the time on the clock of this machine, which is that of times given and returned.
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
