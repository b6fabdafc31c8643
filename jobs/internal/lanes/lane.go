package lanes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/field"
)

// A Turn is a job's right to write to its database: it holds the lane under a fence that no other turn of the lane has
// had. The zero turn means none.
type Turn struct {
	Lane  string // the database
	Job   string
	Fence int64
}

// Identity identifies one run of a worker process.
type Identity struct {
	ID   string // equal for all runs with one data directory
	Boot string // of this run
}

// Exit says where a job goes at the end of its turn.
type Exit string

// The exits.
const (
	ExitOut   Exit = "out"   // leaves the lane
	ExitFront Exit = "front" // to the front of its lane
	ExitRenew Exit = "renew" // to the front of its lane, if no worker has begun the turn
	ExitDelay Exit = "delay" // aside until a time, then to the front
)

// Lanes moves jobs through their lanes. It knows jobs only by ID; their records describe them.
type Lanes struct {
	rdb     redis.UniversalClient
	scripts Scripts
	now     func() time.Time
}

// step runs a script of a lane. First it makes sure that the sweep will check the lane soon, in case this process is
// interrupted. The script cannot do that, because the set of lanes is in another slot. step never delays a check,
// because another machine's clock may be ahead.
func (l Lanes) step(ctx context.Context, s *redis.Script, lane string, args ...any) *redis.Cmd {
	at := l.now().Add(FirstLook).UnixMilli()
	if err := l.rdb.ZAddLT(ctx, LanesKey, redis.Z{Score: float64(at), Member: lane}).Err(); err != nil {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(err)
		return cmd
	}
	return s.Run(ctx, l.rdb, LaneKeys(lane), args...)
}

// status is the first element of a lane script's result.
type status string

const (
	statusOK    status = "ok"
	statusStale status = "stale"
	statusBusy  status = "busy"  // the turn is that of the holder that blocks the lane
	statusKnown status = "known" // the job is already in the lane
	statusMoved status = "moved" // the lane has changed since the caller looked
)

func (l Lanes) answer(cmd *redis.Cmd, lane string) (status, Turn, error) {
	parts, err := cmd.StringSlice()
	if err != nil {
		return "", Turn{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	if len(parts) != 3 {
		return "", Turn{}, fmt.Errorf("lane %s: the script answered %q", lane, parts)
	}
	if parts[1] == "" {
		return status(parts[0]), Turn{}, nil
	}
	fence, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return "", Turn{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	return status(parts[0]), Turn{Lane: lane, Job: parts[1], Fence: fence}, nil
}

// Rule says when a job may not enter its lane. The zero rule admits all jobs.
type Rule struct {
	Refuse    bool       // not if the lane is held: statusBusy, with the holder
	Unchanged *Occupants // not if the lane has changed since these were read: statusMoved
}

// submit adds a job to the end of its lane, unless it is in the lane already. It returns the turn that this started,
// if any.
func (l Lanes) submit(ctx context.Context, lane, job string, how Rule) (status, Turn, error) {
	refuse := 0
	if how.Refuse {
		refuse = 1
	}
	args := []any{job, l.now().UnixMilli(), refuse}
	if how.Unchanged != nil {
		args = append(args, how.Unchanged.Holder, how.Unchanged.last())
	}
	return l.answer(l.step(ctx, l.scripts.submit, lane, args...), lane)
}

// begin reports whether the turn is current and has been begun by w. It can be repeated.
func (l Lanes) begin(ctx context.Context, t Turn, w Identity) (bool, error) {
	n, err := l.step(ctx, l.scripts.begin, t.Lane, t.Job, t.Fence, w.ID, w.Boot, l.now().UnixMilli()).Int()
	if err != nil {
		return false, fmt.Errorf("lane %s: %w", t.Lane, err)
	}
	return n == 1, nil
}

// Settle ends a turn and returns the next one, if a job waits, or statusStale if the turn was already over. Only
// ExitDelay uses runAt.
func (l Lanes) Settle(ctx context.Context, t Turn, to Exit, runAt time.Time) (status, Turn, error) {
	return l.answer(l.step(ctx, l.scripts.settle, t.Lane, t.Job, t.Fence, string(to), l.now().UnixMilli(), field.Millis(runAt)), t.Lane)
}

// Leave removes a job from its lane if no worker has begun it. It returns the turn that this started, if any.
func (l Lanes) Leave(ctx context.Context, lane, job string) (Turn, error) {
	_, next, err := l.answer(l.step(ctx, l.scripts.leave, lane, job, l.now().UnixMilli()), lane)
	return next, err
}

// Wake makes a job of a lane that is aside due now. It reports whether the lane knows such a job; the sweep starts its turn.
func (l Lanes) Wake(ctx context.Context, lane, job string) (bool, error) {
	now := float64(l.now().UnixMilli())
	n, err := l.rdb.ZAddArgs(ctx, LaneKeys(lane)[2], redis.ZAddArgs{XX: true, Ch: true, Members: []redis.Z{{Score: now, Member: job}}}).Result()
	if err == nil && n > 0 {
		err = l.rdb.ZAddLT(ctx, LanesKey, redis.Z{Score: now, Member: lane}).Err()
	}
	if err != nil {
		return false, fmt.Errorf("lane %s: %w", lane, err)
	}
	return n > 0, nil
}

// Held is the current turn of a lane and who has begun it.
type Held struct {
	Turn Turn
	By   Identity // zero if nobody has
}

// Holders returns the current turns of lanes, in order, in one round trip. They are zero for lanes without one.
func (l Lanes) Holders(ctx context.Context, lanes ...string) ([]Held, error) {
	pipe := l.rdb.Pipeline()
	hashes := make([]*redis.MapStringStringCmd, len(lanes))
	for i, lane := range lanes {
		hashes[i] = pipe.HGetAll(ctx, LaneKeys(lane)[1])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	all := make([]Held, len(lanes))
	for i, lane := range lanes {
		h := hashes[i].Val()
		p := field.Parser{Fields: h}
		fence := p.Int("fence")
		if p.Err != nil {
			return nil, fmt.Errorf("lane %s: %w", lane, p.Err)
		}
		if h["job"] != "" {
			all[i] = Held{Turn{Lane: lane, Job: h["job"], Fence: fence}, Identity{ID: h["worker"], Boot: h["boot"]}}
		}
	}
	return all, nil
}

// Holder returns the current turn of a lane and who has begun it; both are zero if there is none.
func (l Lanes) Holder(ctx context.Context, lane string) (Turn, Identity, error) {
	held, err := l.Holders(ctx, lane)
	if err != nil {
		return Turn{}, Identity{}, err
	}
	return held[0].Turn, held[0].By, nil
}

// Raise ensures that later turns of a lane have higher fences than seen, which was found in the database.
func (l Lanes) Raise(ctx context.Context, lane string, seen int64) error {
	if err := l.step(ctx, l.scripts.raise, lane, seen).Err(); err != nil {
		return fmt.Errorf("lane %s: %w", lane, err)
	}
	return nil
}

// Holds reports whether the turn is current.
func (l Lanes) Holds(ctx context.Context, t Turn) (bool, error) {
	holder, _, err := l.Holder(ctx, t.Lane)
	return err == nil && holder == t, err
}

// View is a lane as the sweep sees it.
type View struct {
	Turn     Turn      // of the holder, if any
	Since    time.Time // when its turn started or, if later, was begun
	Worker   Identity  // that began the turn; zero before
	FirstDue time.Time // of delayed jobs; zero if there are none
}

// Look gives a free lane to its next job, and returns the state of the lane.
func (l Lanes) Look(ctx context.Context, lane string) (View, error) {
	parts, err := l.scripts.look.Run(ctx, l.rdb, LaneKeys(lane), l.now().UnixMilli()).StringSlice()
	if err != nil {
		return View{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	names := []string{"job", "fence", "since", "worker", "boot", "due"}
	if len(parts) != len(names) {
		return View{}, fmt.Errorf("lane %s: the script answered %q", lane, parts)
	}
	p := field.Parser{Fields: make(map[string]string, len(names))}
	for i, name := range names {
		p.Fields[name] = parts[i]
	}
	v := View{
		Since: p.Time("since"), FirstDue: p.Time("due"),
		Worker: Identity{ID: p.Fields["worker"], Boot: p.Fields["boot"]},
	}
	if job := p.Fields["job"]; job != "" {
		v.Turn = Turn{Lane: lane, Job: job, Fence: p.Int("fence")}
	}
	if p.Err != nil {
		return View{}, fmt.Errorf("lane %s: %w", lane, p.Err)
	}
	return v, nil
}

// Occupants are the jobs in a lane.
type Occupants struct {
	Holder  string   // the job that has the turn; "" if none
	Waiting []string // in order of their turns
	Aside   []string // by when they move to the front
}

// last returns the last waiting job, or "" if there is none.
func (l Occupants) last() string {
	if len(l.Waiting) == 0 {
		return ""
	}
	return l.Waiting[len(l.Waiting)-1]
}

// Members returns all jobs of the lane.
func (l Occupants) Members() map[string]bool {
	all := make(map[string]bool, len(l.Waiting)+len(l.Aside)+1)
	for _, job := range slices.Concat(l.Waiting, l.Aside, []string{l.Holder}) {
		all[job] = true
	}
	delete(all, "")
	return all
}

// Occupants returns the jobs in a lane.
func (l Lanes) Occupants(ctx context.Context, lane string) (Occupants, error) {
	keys := LaneKeys(lane)
	pipe := l.rdb.TxPipeline()
	waiting := pipe.LRange(ctx, keys[0], 0, -1)
	held := pipe.HGet(ctx, keys[1], "job")
	aside := pipe.ZRange(ctx, keys[2], 0, -1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return Occupants{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	return Occupants{Holder: held.Val(), Waiting: waiting.Val(), Aside: aside.Val()}, nil
}
