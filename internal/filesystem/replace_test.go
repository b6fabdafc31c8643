package filesystem_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/filesystem"
)

func TestWriteFileReplaces(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("old and longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := filesystem.WriteFile(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	info, statErr := os.Stat(name)
	if err := errors.Join(err, statErr); err != nil {
		t.Fatal(err)
	}
	if string(got) != "new" || info.Mode().Perm() != 0o600 {
		t.Errorf("file has %q and mode %v, want %q and 0600", got, info.Mode(), "new")
	}
	wantFiles(t, filepath.Dir(name), 1)
}

func TestWriteFileLeavesNothingOnFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := filesystem.WriteFile(taken, []byte("new")); err == nil {
		t.Error("WriteFile replaced a directory")
	}
	wantFiles(t, dir, 1)
	if err := filesystem.WriteFile(filepath.Join(dir, "missing", "file"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("WriteFile into a missing directory = %v, want %v", err, fs.ErrNotExist)
	}
}

func wantFiles(tb testing.TB, dir string, n int) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != n {
		tb.Errorf("%s has %v (%v), want %d entries", dir, entries, err, n)
	}
}
