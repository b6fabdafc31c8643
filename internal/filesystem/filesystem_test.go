package filesystem_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/filesystem"
)

func TestRenameNew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, taken, free := filepath.Join(dir, "from"), filepath.Join(dir, "taken"), filepath.Join(dir, "free")
	for _, name := range []string{from, taken} {
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := filesystem.RenameNew(from, taken); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is taken: %v, want that it exists", err)
	}
	for _, name := range []string{from, taken} {
		if b, err := os.ReadFile(name); err != nil || string(b) != name {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
	}
	if err := filesystem.RenameNew(from, free); err != nil {
		t.Errorf("a name that is free: %v", err)
	}
	if _, err := os.Stat(from); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old name is still there: %v", err)
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	free, size, err := filesystem.Room(t.TempDir())
	if err != nil || free == 0 || size < free {
		t.Errorf("Room() = %d, %d, %v", free, size, err)
	}
	if _, _, err := filesystem.Room(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	if filesystem.Remote(t.TempDir()) {
		t.Error("the temporary directory is said to be on the network")
	}
	if _, err := filesystem.InMemory(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	if in, err := filesystem.InMemory("/proc"); in || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("InMemory(/proc) = %v, %v", in, err)
	}
}
