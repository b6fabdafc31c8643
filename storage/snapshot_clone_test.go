package storage_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/filesystem"
)

// cloning mounts a file system that can share blocks of files.
func cloning(tb testing.TB, dir string) {
	tb.Helper()
	image := filepath.Join(tb.TempDir(), "image")
	for _, command := range []string{
		"truncate -s 400M " + image, "mkfs.xfs -q -m reflink=1 " + image, "mount -o loop " + image + " " + dir,
	} {
		args := strings.Fields(command)
		if out, err := exec.CommandContext(tb.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			tb.Skipf("NOT TESTED: %s: %v: %s", command, err, out)
		}
	}
	tb.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			tb.Errorf("umount: %v: %s", err, out)
		}
	})
}

// If the file system can share blocks, a snapshot needs hardly any space, so it works on a disk without room for a
// second copy.
func TestSnapshotByReflink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cloning(t, dir)
	path := filepath.Join(dir, "x.db")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	const fill = "CREATE TABLE big AS SELECT md5(i::VARCHAR) AS a, md5((i * 7)::VARCHAR) AS b FROM range(1000000) AS t(i)"
	if _, err := db.ExecContext(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	free, _, err := filesystem.Room(dir)
	if err != nil {
		t.Fatal(err)
	}
	filler := strconv.FormatInt(int64(free)-info.Size()*3/4, 10)
	if out, err := exec.CommandContext(t.Context(), "fallocate", "-l", filler, filepath.Join(dir, "filler")).CombinedOutput(); err != nil {
		t.Fatalf("fallocate: %v: %s", err, out)
	}
	for range 2 {
		if s, made := snapshot(t, path); !made || s.Bytes < info.Size() {
			t.Errorf("snapshot = %+v, made %v", s, made)
		}
		want(t, "rows", query(t, snapshotOf(path), "SELECT count(*) FROM big"), []string{"1000000"})
		if err := os.Chtimes(path, now, now); err != nil { // as if it had changed
			t.Fatal(err)
		}
	}
}
