// Package cage locks a process of this program in: it may read and write only the files that it is given, open no socket,
// start no program, change no file's owner, mode or times, signal no other process, and use only so much memory and disk. It does not know what runs inside.
//
// A parent starts the process with [Start]. The process calls [Enter] before it does anything else. What a kernel cannot
// do is reported, not passed over in silence. Linux has Landlock and seccomp for this, macOS has sandbox-exec.
package cage

import "strings"

// Config says what the process may use. The zero value lets it use no files and bounds nothing else.
type Config struct {
	// Read and Write are the files that it may read, and read and write. A directory stands for all below it; a path that
	// does not exist is left out. [Enter] adds what every program needs: itself, the system's libraries, what the system
	// says of this process and of its share of memory.
	Read, Write []string

	Memory    int64 // bytes to map beyond what is mapped at the beginning; 0 does not bound it
	FileBytes int64 // of each file written; 0 does not bound it
	OpenFiles int64 // 0 does not bound it
}

// Report says which of the protections do not hold, a sentence each, for the log. It is empty where the kernel has
// Landlock (Linux 6.2 or later).
type Report []string

func (r Report) String() string { return strings.Join(r, "; ") }
