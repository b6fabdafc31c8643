package mounttest

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Small mounts a file system in memory on the directory dir until the test ends. Its size has the form "64k" or "2m".
func Small(tb testing.TB, dir, size string) {
	tb.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		tb.Skipf("NOT TESTED: mounting a file system needs root: %v", err)
	}
	tb.Cleanup(func() {
		// Detached, because a process started by another test may still hold a file of it for a moment.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			tb.Errorf("unmount %s: %v", dir, err)
		}
	})
}

// Resize changes the size of a file system mounted by Small.
func Resize(tb testing.TB, dir, size string) {
	tb.Helper()
	remount(tb, dir, 0, "size="+size)
}

// ReadOnly makes a file system mounted by Small read-only.
func ReadOnly(tb testing.TB, dir string) {
	tb.Helper()
	remount(tb, dir, unix.MS_RDONLY, "")
}

func remount(tb testing.TB, dir string, flags uintptr, options string) {
	tb.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, options); err != nil {
		tb.Fatalf("remount %s: %v", dir, err)
	}
}

// Cloning mounts a file system that can share blocks of files on the directory dir until the test ends. Its size has
// the form "400M".
func Cloning(tb testing.TB, dir, size string) {
	tb.Helper()
	image := filepath.Join(tb.TempDir(), "image")
	for _, command := range []string{
		"truncate -s " + size + " " + image, "mkfs.xfs -q -m reflink=1 " + image, "mount -o loop " + image + " " + dir,
	} {
		args := strings.Fields(command)
		if out, err := exec.CommandContext(tb.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			tb.Skipf("NOT TESTED: %s: %v: %s", command, err, out)
		}
	}
	tb.Cleanup(func() {
		if out, err := exec.CommandContext(context.WithoutCancel(tb.Context()), "umount", "-l", dir).CombinedOutput(); err != nil {
			tb.Errorf("umount: %v: %s", err, out)
		}
	})
}
