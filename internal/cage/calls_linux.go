package cage

import "golang.org/x/sys/unix"

// allowedCalls are the system calls that Go, the C library and DuckDB need, or may need in other versions, and that
// affect only the process and the files that Landlock allows. Names that a machine does not have are ignored there.
var allowedCalls = []string{
	// Files.
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "close", "close_range",
	"open", "openat", "openat2", "creat", "dup", "dup2", "dup3", "pipe", "pipe2", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs",
	"access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "flock", "fsync", "fdatasync", "sync_file_range",
	"truncate", "ftruncate", "fallocate", "fadvise64", "readahead", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
	"copy_file_range", "sendfile", "splice", "tee", "cachestat",
	// Memory.
	"mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "mincore", "msync", "mlock", "mlock2", "munlock", "membarrier", "arch_prctl", "map_shadow_stack",
	// Threads. "clone" is in [callFilter]. "clone3" is not allowed, because a filter cannot see its arguments.
	"futex", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "exit", "exit_group",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getcpu",
	// Signals within the process.
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend", "sigaltstack", "restart_syscall", "pause",
	// Waiting and time.
	"poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "timer_create", "timer_settime", "timer_gettime", "timer_delete", "timer_getoverrun",
	"setitimer", "getitimer", "alarm", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time", "times",
	// Properties of the process.
	"getpid", "gettid", "getppid", "getpgid", "getpgrp", "getsid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
	"uname", "sysinfo", "getrusage", "getrlimit", "setrlimit", "getrandom",
}

// refusedCalls fail with EPERM, as if the process lacked the permission. So do those of [someCalls] with other
// arguments. Calls in no list fail with ENOSYS, as if the kernel did not have them: the C library then falls back to
// older calls, for example from clone3 to clone.
var refusedCalls = []string{
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
	"kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpriority", "sched_setaffinity", "sched_setscheduler", "sched_setparam",
	"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
	"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "utimensat", "futimesat",
	"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat",
	"mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "io_uring_setup", "bpf", "userfaultfd", "perf_event_open",
	"keyctl", "add_key", "request_key", "seccomp",
}

// someCalls are allowed only if an argument has one of the given values: signals and limits only for this process, and
// for calls that can do almost anything, uses known to be harmless.
func someCalls(pid int) []condition {
	return []condition{
		{"tgkill", 0, []uint32{uint32(pid)}},
		{"prlimit64", 0, []uint32{0, uint32(pid)}},
		{"prctl", 0, []uint32{unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA, unix.PR_GET_DUMPABLE, unix.PR_CAPBSET_READ}},
		{"ioctl", 1, []uint32{unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ}},
		{"fcntl", 1, []uint32{
			unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW,
			unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ,
		}},
	}
}

// condition is a call with the allowed values of one of its arguments.
type condition struct {
	call     string
	argument uint32
	values   []uint32
}

// namespaces are the flags of clone(2) that create namespaces.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
