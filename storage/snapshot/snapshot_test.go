package snapshot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/snapshot"
)

const childCommand = "snapshot-child"

func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{childCommand}) {
		os.Exit(snapshot.Child(context.Background(), os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func launcher(tb testing.TB) snapshot.Launcher {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return snapshot.Launcher{Exe: exe, Args: []string{childCommand}}
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := storage.SnapshotRequest{Database: filepath.Join(dir, "x.db"), To: filepath.Join(dir, "read", "x.db"), Name: "read/x.db", Job: "j"}
	if _, _, err := snapshot.Run(t.Context(), launcher(t), r); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("without a database: %v, want that there is none", err)
	}
	e, err := storage.Open(t.Context(), storage.Config{Path: r.Database})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = snapshot.Run(t.Context(), launcher(t), r)
	if locked, ok := errors.AsType[*storage.LockedError](err); !ok || locked.PID != os.Getpid() {
		t.Errorf("while a load is in progress: %v, want that this process holds the file", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		s, made, err := snapshot.Run(t.Context(), launcher(t), r)
		if err != nil || made != want || s.Path != r.To || s.Job != "j" {
			t.Errorf("Run() = %+v, %v, %v, want one that was made: %v", s, made, err, want)
		}
	}
	if err := os.WriteFile(r.To, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "read", ".x.db.snapshot")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := snapshot.Run(t.Context(), launcher(t), r); fault.CodeOf(err) != fault.CodeExists || fault.HintOf(err) == "" {
		t.Errorf("beside a file of somebody else: %v, want that it exists, and a hint", err)
	}
}

func TestRunWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	if _, _, err := snapshot.Run(t.Context(), snapshot.Launcher{Exe: "/bin/false"}, storage.SnapshotRequest{}); err == nil {
		t.Error("a process that says nothing is taken for a success")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	if _, _, err := snapshot.Run(ctx, launcher(t), storage.SnapshotRequest{}); !errors.Is(err, reason) {
		t.Errorf("error = %v, want the cause of the context", err)
	}
}
