package bench_test

import (
	"log/slog"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/storage"
	"mixduck/workspace"
)

// cost is the average cost of a job when no other runs.
type cost struct {
	wall time.Duration
	cpu  time.Duration // including the stand-in, which uses the same cores
}

// ideal returns the minimum time for n jobs: the time in which the slots run them, each as fast as on its own, or the
// time that the cores need for the work, whichever is longer. It includes no queue.
func (c cost) ideal(n, slots int) time.Duration {
	return max(time.Duration(n)*c.wall/time.Duration(slots), time.Duration(n)*c.cpu/time.Duration(runtime.NumCPU()))
}

// measure fetches n days into one table, one after another and without a queue. from returns the project of the nth
// fetch.
func (m *standIn) measure(b *testing.B, n int, from func(n int) project) cost {
	b.Helper()
	dir := b.TempDir()
	var sum cost
	for i := range n {
		w := m.workspace(b, dir, from(i))
		request := workspace.FetchRequest{Table: "events", Days: nth(i), Fence: int64(1 + i)}
		began, before := time.Now(), ownCPU(b)
		_, err := w.FetchEvents(b.Context(), request, func(workspace.Progress) {})
		sum.wall += time.Since(began)
		sum.cpu += ownCPU(b) - before
		if refused := from(i) < storing; refused != workspace.Permanent(err) || !refused && err != nil {
			b.Fatalf("project %s: %v", from(i), err)
		}
	}
	return cost{wall: sum.wall / time.Duration(n), cpu: sum.cpu / time.Duration(n)}
}

// workspace returns a workspace of a project with a separate client, which does not wait because of another one's
// requests.
func (m *standIn) workspace(b *testing.B, dir string, of project) *workspace.Workspace {
	b.Helper()
	client, err := mixpanel.New(mixpanel.Config{BaseURL: m.url, Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		b.Fatal(err)
	}
	w, err := workspace.New(workspace.Config{
		Project: workspace.Project{ID: int64(of)}, SpoolDir: filepath.Join(dir, "spool"), OpenPerLoad: true,
		Database: storage.Config{Path: filepath.Join(dir, "lane.db")},
	}, client, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// ownCPU returns the CPU time of this process.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
