// Package cage locks in a process of this program. The process may read and write only the given files, and use
// limited memory and disk. It may not open sockets, start programs, signal other processes, or change the owner, mode
// or times of files. The package does not know what runs inside.
//
// A parent starts the process with [Start]. The process calls [Enter] before it does anything else. Protections that
// the kernel does not support are reported. Linux has Landlock and seccomp for this, macOS has sandbox-exec.
package cage

import "strings"

// Config says what the process may use. The zero value allows no files and sets no limits.
type Config struct {
	// Read and Write are the files that it may read, and read and write. A directory includes everything below it;
	// missing paths are ignored. [Enter] adds what every program needs: itself, the system's libraries, and the
	// system's information about this process and its share of memory.
	Read, Write []string

	Memory    int64 // bytes it may map in addition to those mapped at the start; 0 means no limit
	FileBytes int64 // of each written file; 0 means no limit
	OpenFiles int64 // 0 means no limit
}

// Report lists protections that are missing, one sentence each, for the log. It is empty if the kernel has Landlock
// (Linux 6.2 or later).
type Report []string

func (r Report) String() string { return strings.Join(r, "; ") }
