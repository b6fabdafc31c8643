package bench_test

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mixduck/internal/filesystem"
	"mixduck/internal/mounttest"
	"mixduck/storage"
	"mixduck/storage/snapshot"
)

// snapshotGB is the size of the database in benchmarks of snapshots.
const snapshotGB = 2

// execute runs statements in a database, as another program would.
func execute(b *testing.B, path string, statements ...string) {
	b.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(b.Context(), s); err != nil {
			b.Fatalf("%s: %v", s, err)
		}
	}
}

// newLargeDatabase makes a database that does not compress.
func newLargeDatabase(b *testing.B, dir string) (path string) {
	b.Helper()
	path = filepath.Join(dir, "x.db")
	execute(b, path, "CREATE TABLE big (id UUID)")
	for range snapshotGB * 2 {
		execute(b, path, "INSERT INTO big SELECT uuid() FROM range(30000000)")
	}
	return path
}

// touch marks a file as changed.
func touch(b *testing.B, path string) {
	b.Helper()
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		b.Fatal(err)
	}
}

// takeSnapshot makes a snapshot like a worker, and returns how long that took, in s.
func takeSnapshot(b *testing.B, path string) float64 {
	b.Helper()
	touch(b, path)
	launch := snapshot.Launcher{Exe: program("worker"), Args: []string{"snapshot-child"}}
	began := time.Now()
	_, made, err := snapshot.Run(b.Context(), launch, storage.SnapshotRequest{
		Database: path, To: filepath.Join(filepath.Dir(path), "read", "x.db"), Name: "read/x.db",
	})
	if err != nil || !made {
		b.Fatalf("snapshot: made %v, %v", made, err)
	}
	return time.Since(began).Seconds()
}

// copyWithCP copies a file with cp, and returns how long that took without and with writing it to disk, in s.
func copyWithCP(b *testing.B, path string) (copied, synced float64) {
	b.Helper()
	to := path + ".cp"
	began := time.Now()
	if out, err := exec.CommandContext(b.Context(), "cp", "--reflink=never", path, to).CombinedOutput(); err != nil {
		b.Fatalf("cp: %v: %s", err, out)
	}
	copied = time.Since(began).Seconds()
	if err := filesystem.Sync(to); err != nil {
		b.Fatal(err)
	}
	synced = time.Since(began).Seconds()
	if err := os.Remove(to); err != nil {
		b.Fatal(err)
	}
	return copied, synced
}

// BenchmarkSnapshot compares a snapshot of a database with cp, in turns. A snapshot is on disk when it is done, so the
// bar compares it with cp and fsync.
func BenchmarkSnapshot(b *testing.B) {
	path := newLargeDatabase(b, b.TempDir())
	copyWithCP(b, path) // the file is in memory afterwards, as after a load
	var snapshots, copies, synced []float64
	for b.Loop() {
		for range 5 {
			c, s := copyWithCP(b, path)
			copies, synced = append(copies, c), append(synced, s)
			snapshots = append(snapshots, takeSnapshot(b, path))
		}
	}
	s, c, d := median(snapshots), median(copies), median(synced)
	b.ReportMetric(s/d, "x-cp")
	report("snapshot of a database of 2 GB", "%.2f s", s)
	report("relative to cp and fsync (bar: ≤ 1.3)", "%.2f", s/d)
	report("relative to cp, which does not wait for the disk", "%.2f", s/c)
}

// BenchmarkSnapshotByReflink does the same where the file system shares blocks.
func BenchmarkSnapshotByReflink(b *testing.B) {
	dir := b.TempDir()
	mounttest.Cloning(b, dir, "4G")
	path := newLargeDatabase(b, dir)
	if err := filesystem.Sync(path); err != nil {
		b.Fatal(err)
	}
	var all []float64
	for b.Loop() {
		for range 5 {
			all = append(all, takeSnapshot(b, path))
		}
	}
	b.ReportMetric(median(all)*1000, "ms")
	report("snapshot of 2 GB by reflink (bar: < 100 ms)", "%.0f ms", median(all)*1000)
}

// BenchmarkSnapshotsInLanes compares fetches with snapshots to fetches without, in turns.
func BenchmarkSnapshotsInLanes(b *testing.B) {
	const lanes, each = 4, 15
	m := startMixpanel(b)
	t := team{embedded: true, workers: 1, slots: 8}
	with, without := newSite(b, t, m), newSite(b, t, m, "MIXDUCK_SNAPSHOT=off")
	took := map[*site][]float64{}
	gaps := map[*site][]float64{}
	for b.Loop() {
		for n := range 3 {
			for _, s := range []*site{without, with} {
				r := s.run(b, names("main", fmt.Sprint("lane", n, "-"), lanes), each, func(n int) project { return store(n % lanes) })
				took[s] = append(took[s], r.took.Seconds())
				gaps[s] = append(gaps[s], r.gaps...)
			}
		}
	}
	ratio := median(took[with]) / median(took[without])
	b.ReportMetric(ratio, "x-off")
	report("4 lanes of 15 fetches that load a day, relative to snapshot: off", "%.2f", ratio)
	report("hand-over in a lane, p50, with snapshots and without", "%.0f ms, %.0f ms", median(gaps[with]), median(gaps[without]))
}
