package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/fault"
)

// The next command removes a directory of a killed one, and leaves others alone.
func TestPrivateDirectories(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dead := filepath.Join(parent, privatePrefix+"dead")
	other := filepath.Join(parent, "other")
	link := filepath.Join(parent, privatePrefix+"link")
	if err := errors.Join(os.MkdirAll(filepath.Join(dead, "spool"), 0o700), os.Mkdir(other, 0o700), os.Symlink(other, link)); err != nil {
		t.Fatal(err)
	}
	living, err := newPrivate(parent)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newPrivate(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, there := range map[string]bool{dead: false, other: true, link: true, living.path: true, second.path: true} {
		if _, err := os.Lstat(path); (err == nil) != there {
			t.Errorf("%s: %v, want it there: %t", path, err, there)
		}
	}
	if info, err := os.Stat(living.path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v; want a directory that nobody else can look into", info.Mode(), err)
	}
	if err := errors.Join(living.remove(), second.remove()); err != nil {
		t.Error(err)
	}
}

func TestNoFileSystemInMemory(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"/proc", filepath.Join(t.TempDir(), "none")} {
		if err := checkMemory(dir); fault.CodeOf(err) != fault.CodeFailed || fault.HintOf(err) == "" {
			t.Errorf("%s: error = %v, want one that says what to do", dir, err)
		}
	}
}

func TestNoSpace(t *testing.T) {
	t.Parallel()
	spool := &fs.PathError{Op: "write", Path: filepath.Join(os.TempDir(), "x"), Err: syscall.ENOSPC}
	stdout := &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	for _, tt := range []struct {
		name     string
		err      error
		inMemory bool
		hint     string
	}{
		{"in memory", syscall.ENOSPC, true, "--ephemeral"},
		{"for what waits to be loaded", spool, true, "TMPDIR"},
		{"where the result goes", stdout, false, ""},
		{"on the disk of the database", syscall.ENOSPC, false, ""}, // already has its hint
		{"is not what is wrong", syscall.EIO, true, ""},
	} {
		err := full(tt.err, tt.inMemory)
		if hint := fault.HintOf(err); !errors.Is(err, tt.err) || !strings.Contains(hint, tt.hint) || (hint == "") != (tt.hint == "") {
			t.Errorf("no space %s: error = %v, hint %q, want %q", tt.name, err, hint, tt.hint)
		}
	}
}
