package worker

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
)

// stepRig is a queue with a job that has a turn, and another job behind it in the lane.
type stepRig struct {
	*testing.T

	sound, faulty *queue.Queue // both on the same Redis
	clock         *redistest.Clock
	proxy         *redistest.Proxy
	first, second jobs.Record
	turn          lanes.Turn // of first
}

func newStepRig(t *testing.T) *stepRig {
	t.Helper()
	mini := miniredis.RunT(t)
	r := &stepRig{T: t, clock: redistest.NewClock()}
	r.proxy = redistest.New(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", mini.Addr())
	})
	open := func(rdb *redis.Client) *queue.Queue {
		q, err := queue.New(rdb, queue.Config{Now: r.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	t.Cleanup(func() { rdb.Close() })
	r.sound, r.faulty = open(rdb), open(r.proxy.Client(redistest.Patient))
	r.first, r.second = mustSubmit(t, r.sound, "x"), mustSubmit(t, r.sound, "x")
	r.turn = lookAt(t, r.sound, r.first.Lane()).Turn
	return r
}

// workerStep is a step of a worker. A worker repeats it if it fails.
type workerStep struct {
	name    string
	prepare func(r *stepRig)
	call    func(r *stepRig, q *queue.Queue) error
	check   func(r *stepRig)
}

func (r *stepRig) begun(boot string) {
	r.Helper()
	if e, err := r.sound.Engine().Begin(r.Context(), r.turn, lanes.Identity{ID: "w1", Boot: boot}); err != nil || e == nil {
		r.Fatalf("begin() = %v, %v", e, err)
	}
}

// want checks the state of a job, and its numbers of attempts and crashes.
func (r *stepRig) want(id string, state jobs.State, attempts, crashes int) {
	r.Helper()
	e, err := r.sound.Engine().Records.Load(r.Context(), id)
	if err != nil || e == nil || e.State != state || e.Attempt != attempts || e.Crashes != crashes {
		r.Errorf("job = %+v, %v; want it %s after %d attempts and %d crashes", e, err, state, attempts, crashes)
	}
}

// wantTurn checks that a job has a turn, with the first fence or a higher one, and that it was announced to the
// workers.
func (r *stepRig) wantTurn(rec jobs.Record, higher bool) {
	r.Helper()
	now := lookAt(r.T, r.sound, rec.Lane()).Turn
	if now.Job != rec.ID || now.Fence < r.turn.Fence || higher && now.Fence == r.turn.Fence {
		r.Errorf("the turn is %+v, want one of job %s after %+v", now, rec.ID, r.turn)
	}
	if waits, err := r.sound.Engine().Pending(now, rec); err != nil || !waits {
		r.Errorf("its task waits: %t, %v", waits, err)
	}
}

func workerSteps() []workerStep {
	nothing := func(*stepRig) {}
	settle := func(o func(r *stepRig) lanes.Outcome) func(r *stepRig, q *queue.Queue) error {
		return func(r *stepRig, q *queue.Queue) error {
			return q.Engine().Settle(r.Context(), r.turn, o(r), jobs.Progress{WindowsDone: 1})
		}
	}
	sweep := func(r *stepRig, q *queue.Queue) error {
		return sweepAll(r.Context(), testSweeper(q, lanes.Identity{ID: "w1", Boot: "new"}))
	}
	rescued := func(r *stepRig) {
		r.wantTurn(r.first, true)
		r.want(r.first.ID, jobs.StateQueued, 0, 1)
		r.want(r.second.ID, jobs.StateWaiting, 0, 0)
	}
	return []workerStep{
		{"begin", nothing, func(r *stepRig, q *queue.Queue) error {
			e, err := q.Engine().Begin(r.Context(), r.turn, lanes.Identity{ID: "w1", Boot: "new"})
			if err == nil && e == nil {
				r.Error("nobody runs the job")
			}
			return err
		}, func(r *stepRig) { r.want(r.first.ID, jobs.StateRunning, 1, 0) }},
		{
			"settle done", func(r *stepRig) { r.begun("new") },
			settle(func(*stepRig) lanes.Outcome { return lanes.Outcome{State: jobs.StateDone} }),
			func(r *stepRig) {
				r.want(r.first.ID, jobs.StateDone, 1, 0)
				r.wantTurn(r.second, true)
			},
		},
		{
			"settle retrying", func(r *stepRig) { r.begun("new") },
			settle(func(r *stepRig) lanes.Outcome {
				return lanes.Outcome{State: jobs.StateRetrying, RunAt: r.clock.Now().Add(time.Minute), Failure: jobs.FailureOf(errCut, r.clock.Now())}
			}),
			func(r *stepRig) {
				r.want(r.first.ID, jobs.StateRetrying, 1, 0)
				r.wantTurn(r.second, true)
			},
		},
		{
			"settle waiting", func(r *stepRig) { r.begun("new") },
			settle(func(*stepRig) lanes.Outcome { return lanes.Outcome{State: jobs.StateWaiting, Refund: true} }),
			func(r *stepRig) {
				r.want(r.first.ID, jobs.StateQueued, 0, 0)
				r.wantTurn(r.first, true)
			},
		},
		{"reclaim", func(r *stepRig) { r.begun("old") }, func(r *stepRig, q *queue.Queue) error {
			return testSweeper(q, lanes.Identity{ID: "w1", Boot: "new"}).reclaim(r.Context())
		}, rescued},
		{"sweep up a dead run", func(r *stepRig) { r.begun("old") }, sweep, rescued},
		{"sweep up a lost task", func(r *stepRig) {
			r.sound.Engine().Discard(&lanes.Entry{Record: r.first, Fence: r.turn.Fence})
			r.clock.Turn(2 * lostAfter)
		}, sweep, func(r *stepRig) {
			r.wantTurn(r.first, false)
			r.want(r.first.ID, jobs.StateQueued, 0, 0)
		}},
	}
}

// sweepLater sweeps when the changed lanes are due for a check.
func (r *stepRig) sweepLater() {
	r.Helper()
	r.clock.Turn(lanes.FirstLook)
	if err := testSweeper(r.sound, lanes.Identity{ID: "w1", Boot: "new"}).sweep(r.Context()); err != nil {
		r.Error(err)
	}
}

// Each command of a step can be interrupted, delayed, repeated, or lose its reply. A worker repeats a failed step. The
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
