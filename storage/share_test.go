package storage_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
)

func TestShare(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	if _, err := storage.NewShare(t.Context(), path, 50*time.Millisecond); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("while the file is written: error = %v", err)
	}
	closeEngine(t, e)
	share, err := storage.NewShare(t.Context(), path, lockWait)
	if err != nil {
		t.Fatal(err)
	}
	defer share.Release()
	reader, err := storage.Open(t.Context(), storage.Config{Path: share.Path(), ReadOnly: true, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	closeEngine(t, reader)
	if _, err := storage.Open(t.Context(), storage.Config{Path: path, LockWait: 50 * time.Millisecond}); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("a writer beside a share: error = %v", err)
	}
	share.Release()
	share.Release()
	open(t, storage.Config{Path: path})
}

func TestShareOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := storage.NewShare(t.Context(), filepath.Join(t.TempDir(), "x.db"), 0); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("error = %v", err)
	}
	_, err := storage.Open(t.Context(), storage.Config{Path: filepath.Join(t.TempDir(), "x.db"), Shared: true})
	if fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("to write what is shared: error = %v", err)
	}
}
