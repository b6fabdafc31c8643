package cage_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"

	"mixduck/internal/cage"
)

// harmful returns calls that a caged process could use against others, with arguments that would work outside a cage.
func harmful(file string) map[string][6]uintptr {
	path, err := unix.BytePtrFromString(file)
	if err != nil {
		panic(err)
	}
	name, _ := unix.BytePtrFromString("user.x")
	other, _ := unix.BytePtrFromString(file + ".other")
	at, p, attr, to := ^uintptr(99), uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(other))
	fd, ppid, pid := uintptr(0), uintptr(os.Getppid()), uintptr(os.Getpid())
	var limit unix.Rlimit
	params := make([]byte, 256)
	buf, lim := uintptr(unsafe.Pointer(&params[0])), uintptr(unsafe.Pointer(&limit))
	return map[string][6]uintptr{
		"chmod": {p, 0o777}, "fchmod": {fd, 0o777}, "fchmodat": {at, p, 0o777}, "fchmodat2": {at, p, 0o777},
		"chown": {p, 1, 1}, "lchown": {p, 1, 1}, "fchown": {fd, 1, 1}, "fchownat": {at, p, 1, 1},
		"utime": {p}, "utimes": {p}, "utimensat": {at, p}, "futimesat": {at, p},
		"setxattr": {p, attr, attr, 1}, "lsetxattr": {p, attr, attr, 1}, "fsetxattr": {fd, attr, attr, 1}, "setxattrat": {at, p, 0, attr, buf, 16},
		"removexattr": {p, attr}, "lremovexattr": {p, attr}, "fremovexattr": {fd, attr}, "link": {p, to}, "linkat": {at, p, at, to}, "symlink": {p, to},
		"symlinkat": {p, at, to}, "mknod": {to, unix.S_IFIFO | 0o600}, "mknodat": {at, to, unix.S_IFIFO | 0o600},
		"setpriority": {unix.PRIO_PROCESS, ppid, 19}, "prlimit64": {ppid, unix.RLIMIT_NOFILE, 0, lim}, "sched_setaffinity": {ppid, 8, buf}, "sched_setscheduler": {ppid, 0, buf},
		"kill": {ppid, 0}, "tkill": {ppid, 0}, "tgkill": {ppid, ppid, 0}, "rt_sigqueueinfo": {ppid, 0, buf}, "pidfd_open": {ppid}, "pidfd_send_signal": {fd},
		"ptrace": {unix.PTRACE_TRACEME}, "process_vm_readv": {ppid, buf, 1, buf, 1}, "process_vm_writev": {ppid, buf, 1, buf, 1}, "kcmp": {ppid, ppid},
		"socket": {unix.AF_UNIX, unix.SOCK_STREAM}, "socketpair": {unix.AF_UNIX, unix.SOCK_STREAM, 0, buf}, "connect": {fd, buf, 16}, "bind": {fd, buf, 16}, "sendto": {fd, buf, 1},
		"execve": {p}, "execveat": {fd, p, 0, 0, unix.AT_EMPTY_PATH}, "clone": {0x11}, "clone3": {buf, 88},
		"io_uring_setup": {1, buf}, "io_uring_enter": {fd, 1}, "bpf": {0, buf, 128}, "userfaultfd": {1}, "perf_event_open": {buf, 0, ^uintptr(0), ^uintptr(0)},
		"mount": {p, p, p, unix.MS_BIND}, "umount2": {p}, "fsopen": {p}, "open_tree": {at, p}, "move_mount": {at, p}, "pivot_root": {p, p}, "chroot": {p}, "unshare": {unix.CLONE_NEWUSER},
		"setns": {fd}, "keyctl": {0, ^uintptr(2)}, "add_key": {attr, attr, buf, 1, ^uintptr(2)}, "request_key": {attr, attr},
		"prctl": {unix.PR_SET_DUMPABLE, 1}, "seccomp": {unix.SECCOMP_SET_MODE_STRICT, 1}, "ioctl": {fd, unix.TIOCSTI, buf}, "fcntl": {fd, unix.F_SETOWN, ppid}, "setpgid": {pid, ppid},
	}
}

// partly are calls that are allowed with some arguments.
var partly = []string{"clone", "tgkill", "prlimit64", "prctl", "ioctl", "fcntl"}

// calls tries all system calls that are not allowed, starting with harmful ones, and prints those that are not
// refused.
func calls(dir string) {
	machine, err := arch.GetInfo("")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := cage.Enter(cage.Config{OpenFiles: 64})
	if err != nil || len(report) > 0 {
		fmt.Println("enter:", report, err)
		return
	}
	runtime.LockOSThread()
	refused := func(what string, number int, a [6]uintptr) {
		_, _, errno := unix.RawSyscall6(uintptr(number), a[0], a[1], a[2], a[3], a[4], a[5])
		want := unix.ENOSYS
		if slices.Contains(cage.RefusedCalls, what) || slices.Contains(partly, what) {
			want = unix.EPERM
		}
		if errno != want {
			fmt.Printf("%s: %v, want %v\n", what, errno, want)
		}
	}
	for name, arguments := range harmful(filepath.Join(dir, "other")) {
		if number, ok := machine.SyscallNames[name]; ok {
			refused(name, number, arguments)
		}
	}
	for name, number := range machine.SyscallNames {
		if !slices.Contains(cage.AllowedCalls, name) && name != "uprobe" && name != "uretprobe" { // traps, not calls
			refused(name, number, [6]uintptr{1, ^uintptr(0)}) // arguments that no call allows
		}
	}
	refused("a call that is not yet made", 2000, [6]uintptr{})
	if runtime.GOARCH == "amd64" {
		refused("getpid of x32", 0x40000000+39, [6]uintptr{})
	}
	if err := syscall.Tgkill(os.Getpid(), syscall.Gettid(), 0); err != nil {
		fmt.Println("a signal to itself:", err)
	}
	fmt.Println("tried all")
}

func TestCallsThatAreNotAllowed(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("SKIPPED: system calls are not filtered on " + runtime.GOARCH)
	}
	dir := newFiles(t)
	before, err := os.Stat(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := self(t, "calls", dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := cage.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || out.String() != "tried all\n" {
		t.Fatalf("%v\n%s", err, &out)
	}
	after, err := os.Stat(filepath.Join(dir, "other"))
	if err != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file is %v, was %v, %v", after, before, err)
	}
}

// TestNamesOfCalls finds names that are misspelled, or in two lists.
func TestNamesOfCalls(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range slices.Concat(cage.AllowedCalls, cage.RefusedCalls) {
		_, onX86 := arch.X86_64.SyscallNames[name]
		_, onARM := arch.AARCH64.SyscallNames[name]
		if !onX86 && !onARM || seen[name] {
			t.Errorf("%s is unknown, or there twice", name)
		}
		seen[name] = true
	}
	for name := range harmful("x") {
		if slices.Contains(cage.AllowedCalls, name) {
			t.Errorf("%s is allowed", name)
		}
	}
}
