package bench_test

import (
	"database/sql"
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

// newLargeDatabase makes a database that does not compress.
func newLargeDatabase(b *testing.B, dir string) (path string) {
	b.Helper()
	path = filepath.Join(dir, "x.db")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for n := range snapshotGB * 2 {
		create := map[bool]string{true: "CREATE TABLE big AS ", false: "INSERT INTO big "}[n == 0]
		if _, err := db.ExecContext(b.Context(), create+"SELECT uuid() AS id FROM range(30000000)"); err != nil {
			b.Fatal(err)
		}
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

// BenchmarkSnapshot compares a snapshot of a database with cp, in turns. cp alone does not wait for the disk; a snapshot
// does.
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
	b.ReportMetric(s/c, "x-cp")
	report("snapshot of a database of 2 GB", "%.2f s", s)
	report("relative to cp, which does not wait for the disk (bar: ≤ 1.3)", "%.2f", s/c)
	report("relative to cp and fsync", "%.2f", s/d)
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
