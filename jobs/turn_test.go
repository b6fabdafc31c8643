package jobs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// A job that was cancelled in the moment in which its attempt ended does not run again.
func TestCancelledWhileTheAttemptEnds(t *testing.T) {
	t.Parallel()
	for _, state := range []State{StateRetrying, StatePaused, StateWaiting} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			q, c := fakeQueue(t)
			r := mustSubmit(t, q, "x")
			turn := lookAt(t, q, r.lane()).turn
			if e, err := q.begin(t.Context(), turn, identity{"w", "1"}); err != nil || e == nil {
				t.Fatal(e, err)
			}
			if _, err := q.Cancel(t.Context(), r.ID); err != nil { // after the attempt's last look
				t.Fatal(err)
			}
			o := outcome{state: state, runAt: c.Now().Add(time.Minute), failure: failureOf(errors.New("no luck"), c.Now())}
			if err := q.settle(t.Context(), turn, o, Progress{}); err != nil {
				t.Fatal(err)
			}
			got, err := q.Job(t.Context(), r.ID)
			if err != nil || got.State != StateCancelled {
				t.Errorf("the job is %s (%v), want %s", got.State, err, StateCancelled)
			}
			if left, err := q.lanes.line(t.Context(), r.lane()); err != nil || len(left.members()) > 0 {
				t.Errorf("its lane holds %v (%v), want nobody", left, err)
			}
		})
	}
}

// What the audit deletes does not make it skip what comes after.
func TestTheAuditSeesAllJobs(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}) // large pipelines need the buffers of a socket
	t.Cleanup(func() { rdb.Close() })
	q, err := NewQueue(rdb, Config{})
	if err != nil {
		t.Fatal(err)
	}
	index := writeScope.state(StateWaiting)
	for i := range 3 * auditPage {
		q.rdb.ZAdd(t.Context(), index, redis.Z{Score: float64(i), Member: fmt.Sprint("gone-", i)})
	}
	if err := q.audit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := q.rdb.ZCard(t.Context(), index).Val(); n != 0 {
		t.Errorf("%d jobs without a record are left in the index", n)
	}
}
