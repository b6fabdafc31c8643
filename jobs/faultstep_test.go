package jobs

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/redistest"
)

// stepRig is a queue with a job that has a turn, and another job behind it in the lane.
type stepRig struct {
	*testing.T

	sound, faulty *Queue // of one Redis
	clock         *clock
	proxy         *redistest.Proxy
	first, second Record
	turn          turn // of first
}

func newStepRig(t *testing.T) *stepRig {
	t.Helper()
	mini := miniredis.RunT(t)
	r := &stepRig{T: t, clock: newClock()}
	r.proxy = redistest.New(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", mini.Addr())
	})
	open := func(rdb *redis.Client) *Queue {
		q, err := NewQueue(rdb, Config{Now: r.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	t.Cleanup(func() { rdb.Close() })
	r.sound, r.faulty = open(rdb), open(r.proxy.Client(redistest.Patient))
	r.first, r.second = mustSubmit(t, r.sound, "x"), mustSubmit(t, r.sound, "x")
	r.turn = lookAt(t, r.sound, r.first.lane()).turn
	return r
}

// workerStep is what a worker does with turns. Its worker makes the call again if it fails.
type workerStep struct {
	name    string
	prepare func(r *stepRig)
	call    func(r *stepRig, q *Queue) error
	check   func(r *stepRig)
}

func (r *stepRig) begun(boot string) {
	r.Helper()
	if e, err := r.sound.begin(r.Context(), r.turn, identity{"w1", boot}); err != nil || e == nil {
		r.Fatalf("begin() = %v, %v", e, err)
	}
}

// want checks the state of a job, and how often it was tried and has brought its worker down.
func (r *stepRig) want(id string, state State, attempts, crashes int) {
	r.Helper()
	e, err := r.sound.records.load(r.Context(), id)
	if err != nil || e == nil || e.State != state || e.Attempt != attempts || e.crashes != crashes {
		r.Errorf("job = %+v, %v; want it %s after %d attempts and %d crashes", e, err, state, attempts, crashes)
	}
}

// wantTurn checks that a job has a turn, under the first fence or a higher one, and that the workers are told of it.
func (r *stepRig) wantTurn(rec Record, higher bool) {
	r.Helper()
	now := lookAt(r.T, r.sound, rec.lane()).turn
	if now.job != rec.ID || now.fence < r.turn.fence || higher && now.fence == r.turn.fence {
		r.Errorf("the turn is %+v, want one of job %s after %+v", now, rec.ID, r.turn)
	}
	if waits, err := r.sound.pending(now, rec); err != nil || !waits {
		r.Errorf("its task waits: %t, %v", waits, err)
	}
}

func workerSteps() []workerStep {
	nothing := func(*stepRig) {}
	settle := func(o func(r *stepRig) outcome) func(r *stepRig, q *Queue) error {
		return func(r *stepRig, q *Queue) error {
			return q.settle(r.Context(), r.turn, o(r), Progress{WindowsDone: 1})
		}
	}
	sweep := func(r *stepRig, q *Queue) error { return sweepAll(r.Context(), testSweeper(q, identity{"w1", "new"})) }
	rescued := func(r *stepRig) {
		r.wantTurn(r.first, true)
		r.want(r.first.ID, StateQueued, 0, 1)
		r.want(r.second.ID, StateWaiting, 0, 0)
	}
	return []workerStep{
		{"begin", nothing, func(r *stepRig, q *Queue) error {
			e, err := q.begin(r.Context(), r.turn, identity{"w1", "new"})
			if err == nil && e == nil {
				r.Error("nobody runs the job")
			}
			return err
		}, func(r *stepRig) { r.want(r.first.ID, StateRunning, 1, 0) }},
		{
			"settle done", func(r *stepRig) { r.begun("new") },
			settle(func(*stepRig) outcome { return outcome{state: StateDone} }),
			func(r *stepRig) {
				r.want(r.first.ID, StateDone, 1, 0)
				r.wantTurn(r.second, true)
			},
		},
		{
			"settle retrying", func(r *stepRig) { r.begun("new") },
			settle(func(r *stepRig) outcome {
				return outcome{state: StateRetrying, runAt: r.clock.Now().Add(time.Minute), failure: failureOf(errCut, r.clock.Now())}
			}),
			func(r *stepRig) {
				r.want(r.first.ID, StateRetrying, 1, 0)
				r.wantTurn(r.second, true)
			},
		},
		{
			"settle waiting", func(r *stepRig) { r.begun("new") },
			settle(func(*stepRig) outcome { return outcome{state: StateWaiting, refund: true} }),
			func(r *stepRig) {
				r.want(r.first.ID, StateQueued, 0, 0)
				r.wantTurn(r.first, true)
			},
		},
		{"reclaim", func(r *stepRig) { r.begun("old") }, func(r *stepRig, q *Queue) error {
			return testSweeper(q, identity{"w1", "new"}).reclaim(r.Context())
		}, rescued},
		{"sweep up a dead run", func(r *stepRig) { r.begun("old") }, sweep, rescued},
		{"sweep up a lost task", func(r *stepRig) {
			r.sound.discard(&entry{Record: r.first, fence: r.turn.fence})
			r.clock.turn(2 * lostAfter)
		}, sweep, func(r *stepRig) {
			r.wantTurn(r.first, false)
			r.want(r.first.ID, StateQueued, 0, 0)
		}},
	}
}

// sweepLater sweeps when the lanes that were changed are to be looked at.
func (r *stepRig) sweepLater() {
	r.Helper()
	r.clock.turn(firstLook)
	if err := testSweeper(r.sound, identity{"w1", "new"}).sweep(r.Context()); err != nil {
		r.Error(err)
	}
}

// Each command of a step may be cut off, delayed, repeated, or lose its answer. A worker repeats a step that failed. The
// result is that of one step, at the latest after the next sweep.
func TestEachCommandOfAWorkersStepMayFail(t *testing.T) {
	t.Parallel()
	for _, step := range workerSteps() {
		for _, broken := range redistest.Faults() {
			t.Run(fmt.Sprint(step.name, " ", broken), func(t *testing.T) {
				t.Parallel()
				for n, more := 0, true; more; n++ {
					r := newStepRig(t)
					step.prepare(r)
					seen := r.proxy.BreakOne(n, broken)
					if err := step.call(r, r.faulty); err != nil {
						if err := step.call(r, r.sound); err != nil {
							t.Errorf("command %d, when it was made again: %v", n, err)
						}
					}
					r.sweepLater()
					step.check(r)
					more = seen()
				}
			})
		}
	}
}
