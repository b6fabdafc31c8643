package mounttest

import (
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
