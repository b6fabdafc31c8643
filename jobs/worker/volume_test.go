package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/worker"
)

func TestWorkersAreListedWithTheirVolumes(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		idle := func(context.Context, *jobs.Attempt) error { return nil }
		jobstest.StartWorker(t, t.Q, worker.Config{ID: "b", Volumes: []jobs.Volume{{Name: "main"}, {Name: "eu", ID: "x1"}}, Version: "v1"}, idle)
		jobstest.StartWorker(t, t.Q, worker.Config{ID: "a"}, idle)
		var workers []jobs.WorkerInfo
		jobstest.Eventually(t, "both workers are listed", func() bool {
			var err error
			if workers, err = t.Q.Workers(t.Context()); err != nil {
				t.Fatal(err)
			}
			return len(workers) == 2
		})
		got := []any{workers[0].ID, workers[0].Volumes, workers[1].ID, workers[1].Volumes, workers[1].Version, jobs.Volumes(workers, "")}
		want := []any{"a", []jobs.Volume{{Name: "main"}}, "b", []jobs.Volume{{Name: "main"}, {Name: "eu", ID: "x1"}}, "v1", []string{"eu", "main"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("workers (-want +got):\n%s", diff)
		}
	})
}

func TestTwoDirectoriesDoNotShareAName(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		idle := func(context.Context, *jobs.Attempt) error { return nil }
		first := jobstest.StartWorker(t, t.Q, worker.Config{ID: "a", Volumes: []jobs.Volume{{Name: "eu", ID: "x1"}}}, idle)
		f := jobstest.Fetch("x", "a")
		f.Database = "eu/x.db"
		served, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: f})
		if err != nil {
			t.Fatal(err)
		}
		jobstest.AwaitState(t, t.Q, served.ID, jobs.StateDone) // so the first has been admitted
		known, err := t.Q.KnownVolumes(t.Context())
		if err != nil || !slices.Equal(known, []string{"eu", "main"}) {
			t.Errorf("the volumes are %v, %v", known, err)
		}
		run := func(id, directory string, atMost time.Duration) error {
			w, err := worker.New(t.Q, map[jobs.Kind]jobs.Handler{jobs.KindFetch: jobstest.HandlerFunc(idle)},
				worker.Config{ID: id, Volumes: []jobs.Volume{{Name: "eu", ID: directory}}}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), atMost)
			defer stop()
			return w.Run(ctx)
		}
		if err := run("b", "x2", time.Minute); fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fmt.Sprint(err), "volume eu") {
			t.Errorf("a second directory as volume eu: %v, want a usage error", err)
		}
		if err := run("c", "x1", time.Second); err != nil {
			t.Errorf("the same directory a second time: %v", err)
		}
		first.Stop()
		if err := run("b", "x2", time.Second); err != nil {
			t.Errorf("another directory after the end of the first: %v", err)
		}
	})
}

func TestWorkersServeTheirVolumesOnly(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		f := jobstest.Fetch("x", "a")
		f.Database = "eu/x.db"
		eu, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: f})
		if err != nil {
			t.Fatal(err)
		}
		here := jobstest.Submit(t, t.Q, "x", "a")
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(context.Context, *jobs.Attempt) error { return nil })
		jobstest.AwaitState(t, t.Q, here.ID, jobs.StateDone)
		if r := jobstest.Job(t, t.Q, eu.ID); r.State != jobs.StateQueued {
			t.Errorf("job of another volume is %s, want queued", r.State)
		}
	})
}

// A disk that does not respond delays neither the heartbeat nor the numbers of others, and has none.
func TestHeartbeatsSayHowMuchRoomThereIs(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		hang := make(chan struct{})
		defer close(hang)
		room := func(volume string) (free, size uint64, err error) {
			switch volume {
			case "hangs":
				<-hang
			case "broken":
				return 0, 0, errors.New("no such directory")
			}
			return 5 << 30, 7 << 30, nil
		}
		jobstest.StartWorker(t, t.Q, worker.Config{Room: room, Volumes: []jobs.Volume{{Name: "broken"}, {Name: "hangs"}, {Name: "main"}}},
			func(context.Context, *jobs.Attempt) error { return nil })
		var disks map[string]jobs.Disk
		jobstest.Eventually(t, "a disk is known", func() bool {
			workers, err := t.Q.Workers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(workers) > 0 {
				disks = workers[0].Disks
			}
			return len(disks) > 0
		})
		if d := disks["main"]; len(disks) != 1 || d.Free != 5<<30 || d.Size != 7<<30 || d.At.IsZero() {
			t.Errorf("disks = %+v, want that of main alone", disks)
		}
	})
}
