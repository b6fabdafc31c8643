package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/handler/snapshot"
	"mixduck/storage"
)

const database = "main/x.db"

// world is what a keeper works with. Its snapshots take a second.
type world struct {
	t      *testing.T
	dir    string
	policy snapshot.Policy
	keeper *snapshot.Keeper

	mu       sync.Mutex
	fail     error
	taken    []time.Duration // since the start
	jobs     []string
	now      int // snapshots being made
	most     int
	outcomes []string
	known    map[string]jobs.Snapshot
	start    time.Time
	log      strings.Builder
}

func newWorld(t *testing.T, policy snapshot.Policy) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), policy: policy, known: map[string]jobs.Snapshot{}, start: time.Now()}
	w.write("first")
	w.keeper = snapshot.New(snapshot.Config{
		Policy: func(string, string) snapshot.Policy {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.policy
		},
		Locate: func(string) (snapshot.Place, error) {
			return snapshot.Place{Database: w.path(), Snapshot: filepath.Join(w.dir, "read", "x.db"), Name: "read/x.db"}, nil
		},
		Take: w.take, Observer: w,
	}, w, slog.New(slog.NewTextHandler(&w.log, nil)))
	return w
}

func (w *world) path() string { return filepath.Join(w.dir, "x.db") }

// write changes the database.
func (w *world) write(content string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run runs the keeper until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.keeper.Run(ctx)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
	synctest.Wait()
}

func (w *world) take(ctx context.Context, r storage.SnapshotRequest) (storage.Snapshot, bool, error) {
	w.mu.Lock()
	w.taken, w.jobs = append(w.taken, time.Since(w.start)), append(w.jobs, r.Job)
	w.now++
	w.most = max(w.most, w.now)
	fail := w.fail
	w.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		fail = context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now--
	return storage.Snapshot{Path: r.To, Job: r.Job, TakenAt: time.Now()}, true, fail
}

func (w *world) SnapshotEnded(outcome string, _ time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes = append(w.outcomes, outcome)
}

func (w *world) Tables(context.Context) ([]jobs.TableState, error) {
	return []jobs.TableState{{Database: database, Project: "web", ReadAt: w.start}}, nil
}

func (w *world) Snapshots(context.Context) (all []jobs.Snapshot, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.known {
		all = append(all, s)
	}
	return all, nil
}

func (w *world) ReportSnapshot(_ context.Context, s jobs.Snapshot) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[s.Database] = s
	return nil
}

func (w *world) ForgetSnapshot(_ context.Context, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.known, name)
	return nil
}

// reported returns what the queue knows of the snapshot.
func (w *world) reported() jobs.Snapshot {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[database]
}

// set changes how snapshots end, and the policy.
func (w *world) set(fail error, policy snapshot.Policy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail, w.policy = fail, policy
}

// wantTaken checks when snapshots were begun.
func (w *world) wantTaken(at ...time.Duration) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if fmt.Sprint(w.taken) != fmt.Sprint(at) {
		w.t.Errorf("snapshots were begun at %v, want %v", w.taken, at)
	}
}

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
