package snapshot_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
