package storage_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"mixduck/internal/filesystem"
	"mixduck/internal/mounttest"
)

// If the file system can share blocks, a snapshot needs hardly any space, so it works on a disk without room for a
// second copy.
func TestSnapshotByReflink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mounttest.Cloning(t, dir, "400M")
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
