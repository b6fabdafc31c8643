package storage_test

import (
	"errors"
	"path/filepath"
	"testing"

	"mixduck/storage"
)

func TestHolder(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	if _, err := storage.Holder(path); !errors.Is(err, storage.ErrUnknownHolder) {
		t.Errorf("of a file that this process has open: %v, want that it cannot look", err)
	}
	closeEngine(t, e)
	nobody := func(when string) {
		t.Helper()
		if by, err := storage.Holder(path); by != nil || err != nil {
			t.Errorf("%s: held by %v, %v, want nobody", when, by, err)
		}
	}
	nobody("closed")
	if by, err := storage.Holder(filepath.Join(t.TempDir(), "none.db")); by != nil || err != nil {
		t.Errorf("of a file that does not exist: %v, %v", by, err)
	}
	for _, tt := range []struct {
		role string
		held bool // a reader of ours lets writers take their turn
	}{{"stranger", true}, {"writer", true}, {"reader", false}} {
		c := startChild(t, tt.role, path)
		c.expect(t, "ready")
		by, err := storage.Holder(path)
		if err != nil || (by != nil) != tt.held || by != nil && by.PID != c.cmd.Process.Pid {
			t.Errorf("%s: held by %v, %v, want process %d: %v", tt.role, by, err, c.cmd.Process.Pid, tt.held)
		}
		c.stop(t)
		nobody("after the " + tt.role)
	}
	// Looking must not drop the locks of this process.
	e = open(t, storage.Config{Path: path})
	_, _ = storage.Holder(path)
	if by := startChild(t, "stranger", path); by.lines.Scan() && by.lines.Text() == "ready" {
		t.Error("another program opened a file that this process holds")
	}
	closeEngine(t, e)
}
