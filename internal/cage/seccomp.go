package cage

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbiddenCalls are those that Landlock leaves open and a database never needs: other programs, sockets, other processes,
// and what is known best for the flaws of kernels.
var forbiddenCalls = []uint32{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR,
	unix.SYS_KILL, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_SETXATTR, unix.SYS_UTIMENSAT,
}

// architectures are the machines whose numbers of system calls the filter knows.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

const foreignCalls = 0x40000000 // numbers from here on are those of the x32 interface, under which any call has a second one

// filterCalls makes the forbidden calls fail with EPERM, in all threads of the process.
func filterCalls() Report {
	arch, known := architectures[runtime.GOARCH]
	if !known {
		return Report{"system calls are not filtered on " + runtime.GOARCH}
	}
	filter := program(arch)
	fprog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&fprog))) //nolint:gosec // the kernel reads the filter during the call
	if errno != 0 {
		return Report{fmt.Sprintf("system calls are not filtered: %v", errno)}
	}
	return nil
}

// program returns the filter as the kernel wants it. It jumps to its last instruction for what is forbidden.
func program(arch uint32) []unix.SockFilter {
	const (
		load      = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		ifEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ifAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		end       = unix.BPF_RET | unix.BPF_K

		callOffset, archOffset = 0, 4 // in the kernel's struct seccomp_data
	)
	rest := uint8(len(forbiddenCalls))
	p := []unix.SockFilter{
		{Code: load, K: archOffset},
		{Code: ifEqual, K: arch, Jf: rest + 3},
		{Code: load, K: callOffset},
		{Code: ifAtLeast, K: foreignCalls, Jt: rest + 1},
	}
	for i, call := range forbiddenCalls {
		p = append(p, unix.SockFilter{Code: ifEqual, K: call, Jt: rest - uint8(i)})
	}
	return append(p,
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ERRNO | uint32(syscall.EPERM)})
}
