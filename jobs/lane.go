package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// A turn is a job's right to write to its database: it holds the lane under a fence that no other turn of the lane has
// had. The zero turn is nobody's.
type turn struct {
	lane  string // the database
	job   string
	fence int64
}

// identity tells one run of a worker process from all others.
type identity struct {
	id   string // the same for all runs on one data directory
	boot string // of this run only
}

// exit says where a job goes whose turn ends.
type exit string

const (
	exitOut   exit = "out"   // away
	exitFront exit = "front" // to the head of its lane
	exitRenew exit = "renew" // to the head of its lane, if no worker has begun the turn
	exitDelay exit = "delay" // aside until a time, then first
)

// lanes moves jobs through their lanes. It knows jobs by id only; what they are stands in their records.
type lanes struct {
	rdb     redis.UniversalClient
	scripts scripts
	now     func() time.Time
}

// firstLook is how long after a step of a lane the sweep looks whether it went on.
const firstLook = time.Second

// step runs a script of a lane. Before, it makes sure that the sweep sees the lane soon, in case this process gets no
// further; that cannot be part of the script, as the set of lanes lives in another slot. It never puts a look off: the
// clock of another machine may be ahead.
func (l lanes) step(ctx context.Context, s *redis.Script, lane string, args ...any) *redis.Cmd {
	at := l.now().Add(firstLook).UnixMilli()
	if err := l.rdb.ZAddLT(ctx, lanesKey, redis.Z{Score: float64(at), Member: lane}).Err(); err != nil {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(err)
		return cmd
	}
	return s.Run(ctx, l.rdb, laneKeys(lane), args...)
}

// status is the first part of a lane script's answer.
type status string

const (
	statusOK    status = "ok"
	statusStale status = "stale"
	statusBusy  status = "busy"  // the turn's job is the holder that is in the way
	statusKnown status = "known" // the job is in the lane already
	statusMoved status = "moved" // somebody came since the caller looked
)

func (l lanes) answer(cmd *redis.Cmd, lane string) (status, turn, error) {
	parts, err := cmd.StringSlice()
	if err != nil {
		return "", turn{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	if len(parts) != 3 {
		return "", turn{}, fmt.Errorf("lane %s: the script answered %q", lane, parts)
	}
	if parts[1] == "" {
		return status(parts[0]), turn{}, nil
	}
	fence, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return "", turn{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	return status(parts[0]), turn{lane: lane, job: parts[1], fence: fence}, nil
}

// rule says when a job does not enter its lane. The zero rule lets all in.
type rule struct {
	refuse    bool  // not if the lane is held: statusBusy, with the holder
	unchanged *line // not if somebody has come since the lane looked so: statusMoved
}

// submit puts a job at the end of its lane, unless the lane knows it, and returns the turn that this started, if any.
func (l lanes) submit(ctx context.Context, lane, job string, how rule) (status, turn, error) {
	refuse := 0
	if how.refuse {
		refuse = 1
	}
	args := []any{job, l.now().UnixMilli(), refuse}
	if how.unchanged != nil {
		args = append(args, how.unchanged.holder, how.unchanged.last())
	}
	return l.answer(l.step(ctx, l.scripts.submit, lane, args...), lane)
}

// begin reports whether the turn is still on and now begun by w. Asking twice does no harm.
func (l lanes) begin(ctx context.Context, t turn, w identity) (bool, error) {
	n, err := l.step(ctx, l.scripts.begin, t.lane, t.job, t.fence, w.id, w.boot, l.now().UnixMilli()).Int()
	if err != nil {
		return false, fmt.Errorf("lane %s: %w", t.lane, err)
	}
	return n == 1, nil
}

// settle ends a turn and returns the next one, if anybody waits; statusStale if the turn was over already. Only
// exitDelay looks at runAt.
func (l lanes) settle(ctx context.Context, t turn, to exit, runAt time.Time) (status, turn, error) {
	return l.answer(l.step(ctx, l.scripts.settle, t.lane, t.job, t.fence, string(to), l.now().UnixMilli(), millis(runAt)), t.lane)
}

// leave takes a job that no worker has begun out of its lane and returns the turn that this started, if any.
func (l lanes) leave(ctx context.Context, lane, job string) (turn, error) {
	_, next, err := l.answer(l.step(ctx, l.scripts.leave, lane, job, l.now().UnixMilli()), lane)
	return next, err
}

// holder returns the turn that a lane is in, and who has begun it; zero if there is none.
func (l lanes) holder(ctx context.Context, lane string) (turn, identity, error) {
	h, err := l.rdb.HGetAll(ctx, laneKeys(lane)[1]).Result()
	p := parser{fields: h}
	fence := p.int("fence")
	if err = errors.Join(err, p.err); err != nil {
		return turn{}, identity{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	if h["job"] == "" {
		return turn{}, identity{}, nil
	}
	return turn{lane: lane, job: h["job"], fence: fence}, identity{id: h["worker"], boot: h["boot"]}, nil
}

// raise makes sure that later turns of a lane have higher fences than one that was found in the database.
func (l lanes) raise(ctx context.Context, lane string, seen int64) error {
	if err := l.step(ctx, l.scripts.raise, lane, seen).Err(); err != nil {
		return fmt.Errorf("lane %s: %w", lane, err)
	}
	return nil
}

// holds reports whether the turn is still on.
func (l lanes) holds(ctx context.Context, t turn) (bool, error) {
	holder, _, err := l.holder(ctx, t.lane)
	return err == nil && holder == t, err
}

// view is what the sweep sees of a lane.
type view struct {
	turn     turn      // of the holder, if any
	since    time.Time // when its turn started or, once begun, when that was
	worker   identity  // that began it; zero before
	firstDue time.Time // of the delayed jobs; zero if there are none
}

// look gives the lane to its next job if it is free, and returns how it stands.
func (l lanes) look(ctx context.Context, lane string) (view, error) {
	parts, err := l.scripts.look.Run(ctx, l.rdb, laneKeys(lane), l.now().UnixMilli()).StringSlice()
	if err != nil {
		return view{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	names := []string{"job", "fence", "since", "worker", "boot", "due"}
	if len(parts) != len(names) {
		return view{}, fmt.Errorf("lane %s: the script answered %q", lane, parts)
	}
	p := parser{fields: make(map[string]string, len(names))}
	for i, name := range names {
		p.fields[name] = parts[i]
	}
	v := view{
		since: p.time("since"), firstDue: p.time("due"),
		worker: identity{id: p.fields["worker"], boot: p.fields["boot"]},
	}
	if job := p.fields["job"]; job != "" {
		v.turn = turn{lane: lane, job: job, fence: p.int("fence")}
	}
	if p.err != nil {
		return view{}, fmt.Errorf("lane %s: %w", lane, p.err)
	}
	return v, nil
}

// line is who is in a lane.
type line struct {
	holder  string   // whose turn it is; "" if nobody's
	waiting []string // in the order in which they come next
	aside   []string // by when they stand first again
}

// last returns the job at the end of the line, "" if nobody waits.
func (l line) last() string {
	if len(l.waiting) == 0 {
		return ""
	}
	return l.waiting[len(l.waiting)-1]
}

// members returns all jobs of the line.
func (l line) members() map[string]bool {
	all := make(map[string]bool, len(l.waiting)+len(l.aside)+1)
	for _, job := range slices.Concat(l.waiting, l.aside, []string{l.holder}) {
		all[job] = true
	}
	delete(all, "")
	return all
}

// line returns who is in the lane.
func (l lanes) line(ctx context.Context, lane string) (line, error) {
	keys := laneKeys(lane)
	pipe := l.rdb.TxPipeline()
	waiting := pipe.LRange(ctx, keys[0], 0, -1)
	held := pipe.HGet(ctx, keys[1], "job")
	aside := pipe.ZRange(ctx, keys[2], 0, -1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return line{}, fmt.Errorf("lane %s: %w", lane, err)
	}
	return line{holder: held.Val(), waiting: waiting.Val(), aside: aside.Val()}, nil
}
