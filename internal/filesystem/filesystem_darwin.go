package filesystem

import "golang.org/x/sys/unix"

func renameNew(from, to string) error { return unix.RenamexNp(from, to, unix.RENAME_EXCL) }

func blockSize(st *unix.Statfs_t) uint64 { return uint64(st.Bsize) }

func remote(st *unix.Statfs_t) bool { return st.Flags&unix.MNT_LOCAL == 0 }

// inMemory returns false: disks in memory look like any other on macOS.
func inMemory(*unix.Statfs_t) bool { return false }
