package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/handler/snapshot"
	"mixduck/storage"
)

// A snapshot that is missing is made at the start; jobs that end while one is made share the next.
func TestSnapshotsAfterJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, snapshot.Policy{})
		w.run()
		w.wantTaken(0)
		for n := range 3 {
			time.Sleep(100 * time.Millisecond)
			w.keeper.Changed(database, "web", fmt.Sprint("job-", n))
		}
		w.wantTaken(0)
		time.Sleep(3 * time.Second)
		w.wantTaken(0, time.Second)
		if w.most != 1 || w.jobs[1] != "job-2" {
			t.Errorf("%d at once, after jobs %v; want one at a time, the second after the last job", w.most, w.jobs)
		}
		if s := w.reported(); s.Job != "job-2" || s.Failure != nil || !s.StaleSince.IsZero() {
			t.Errorf("the queue was told %+v", s)
		}
		if since := w.keeper.StaleSince(); !since.IsZero() {
			t.Errorf("stale since %s", since)
		}
	})
}

func TestSnapshotsAtMostEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, snapshot.Policy{AtMostEvery: 15 * time.Minute})
		w.run()
		time.Sleep(time.Minute)
		w.keeper.Changed(database, "web", "job-1")
		time.Sleep(5 * time.Minute)
		w.keeper.Changed(database, "web", "job-2")
		w.wantTaken(0)
		if since := w.keeper.StaleSince(); !since.IsZero() {
			t.Errorf("stale since %s, want that the snapshot is current while its interval lasts", since)
		}
		time.Sleep(15 * time.Minute)
		w.wantTaken(0, 15*time.Minute+time.Second)
	})
}

// A failure is tried again with growing delays, and logged once.
func TestSnapshotsThatFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, snapshot.Policy{})
		w.fail = fault.New(fault.CodeFailed, "free some space", "%w", storage.ErrNoRoom)
		w.run()
		time.Sleep(20 * time.Second)
		w.wantTaken(0, 6*time.Second, 17*time.Second)
		if since := w.keeper.StaleSince(); !since.Equal(w.start) {
			t.Errorf("stale since %s, want the start, %s", since, w.start)
		}
		if s := w.reported(); s.Failure == nil || !s.StaleSince.Equal(w.start) {
			t.Errorf("the queue was told %+v, want the failure", s)
		}
		if n := strings.Count(w.log.String(), "snapshot not made"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, w.log.String())
		}
		w.set(nil, w.policy)
		w.keeper.Changed(database, "web", "job-1") // does not wait for the delay
		time.Sleep(2 * time.Second)
		w.wantTaken(0, 6*time.Second, 17*time.Second, 20*time.Second)
		if s := w.reported(); s.Failure != nil || !w.keeper.StaleSince().IsZero() {
			t.Errorf("the queue was told %+v", s)
		}
		if got := strings.Join(w.outcomes, " "); got != "refused refused refused made" {
			t.Errorf("outcomes: %s", got)
		}
	})
}

// Who asks gets the snapshot that was begun after he asked, also while the interval lasts.
func TestSnapshotOnRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, snapshot.Policy{AtMostEvery: time.Hour})
		w.run()
		h := w.keeper.Answering(nil)
		a := jobs.NewAttempt(jobs.Record{Database: database, Query: jobs.Query{Snapshot: true}}, 1, nil)
		if err := h.Run(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		w.wantTaken(0, time.Second)
		if found := a.Found(); found == nil || found.Snapshot == nil || found.Snapshot.Path == "" {
			t.Errorf("result = %+v", found)
		}
		w.set(storage.ErrNoRoom, w.policy)
		if err := h.Run(t.Context(), a); !errors.Is(err, storage.ErrNoRoom) || !jobs.IsPermanent(err) {
			t.Errorf("error = %v, want that there is no room", err)
		}
		w.set(nil, snapshot.Policy{Off: true})
		if err := h.Run(t.Context(), a); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("error = %v, want that snapshots are off", err)
		}
	})
}

// A handler that changes the file makes a snapshot due, even if it fails. The sweep finds changes of other programs.
func TestSnapshotsOfWhatChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, snapshot.Policy{})
		work := func() error { return nil }
		h := w.keeper.After(handler(func() error { return work() }))
		run := func() error {
			return h.Run(t.Context(), jobs.NewAttempt(jobs.Record{ID: "j", Database: database, Project: "web"}, 1, nil))
		}
		if err := run(); err != nil {
			t.Fatal(err)
		}
		if since := w.keeper.StaleSince(); !since.IsZero() {
			t.Error("a job that changed nothing makes a snapshot due")
		}
		cut := errors.New("cut")
		work = func() error {
			w.write("more than before")
			return cut
		}
		if err := run(); !errors.Is(err, cut) {
			t.Errorf("error = %v, want that of the other handler", err)
		}
		time.Sleep(time.Second)
		w.run()
		w.wantTaken(time.Second)
		if w.jobs[0] != "j" {
			t.Errorf("made after %q", w.jobs[0])
		}
	})
}

// Consecutive jobs share a snapshot, for a while.
func TestSnapshotsAfterManyJobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		jobs int
		took time.Duration // each
		want []time.Duration
	}{
		{1, 400 * time.Millisecond, []time.Duration{0, 5600 * time.Millisecond}},
		{10, 400 * time.Millisecond, []time.Duration{0, 9650 * time.Millisecond}},
		{30, 400 * time.Millisecond, []time.Duration{0, 15400 * time.Millisecond, 18650 * time.Millisecond}},
		{120, 50 * time.Millisecond, []time.Duration{0, 15050 * time.Millisecond, 17150 * time.Millisecond}},
	} {
		t.Run(fmt.Sprint(tt.jobs, " jobs"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, snapshot.Policy{})
				w.run()
				time.Sleep(5 * time.Second)
				n := 0
				h := w.keeper.After(handler(func() error {
					time.Sleep(tt.took)
					n++
					w.write(strings.Repeat("x", n))
					return nil
				}))
				for i := range tt.jobs {
					if i > 0 {
						time.Sleep(50 * time.Millisecond)
					}
					if err := h.Run(t.Context(), jobs.NewAttempt(jobs.Record{ID: strconv.Itoa(i), Database: database}, 1, nil)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(30 * time.Second)
				w.wantTaken(tt.want...)
				if last := w.jobs[len(w.jobs)-1]; last != strconv.Itoa(tt.jobs-1) {
					t.Errorf("the last snapshot is made after job %s", last)
				}
			})
		})
	}
}

type handler func() error

func (h handler) Run(context.Context, *jobs.Attempt) error { return h() }

// The snapshot of a database that is gone, or that is turned off, goes as well.
func TestSnapshotsThatGo(t *testing.T) {
	t.Parallel()
	for _, off := range []bool{false, true} {
		t.Run(fmt.Sprint("off ", off), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, snapshot.Policy{})
				w.run()
				time.Sleep(2 * time.Second)
				if w.reported().Database == "" {
					t.Fatal("no snapshot was reported")
				}
				if w.set(nil, snapshot.Policy{Off: off}); !off {
					if err := os.Remove(w.path()); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if s := w.reported(); s.Database != "" {
					t.Errorf("the queue still knows %+v", s)
				}
			})
		})
	}
}
