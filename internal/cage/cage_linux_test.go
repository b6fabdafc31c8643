package cage_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"mixduck/internal/cage"
)

// childRole is the environment variable that makes the test binary one of the processes below.
const childRole = "MIXDUCK_CAGE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(childRole) {
	case "":
		goleak.VerifyTestMain(m)
	case "caged":
		caged(os.Args[1])
	case "calls":
		calls(os.Args[1])
	case "parent":
		parent()
	case "held":
		held()
	}
}

const mib = 1 << 20

// caged tries what is allowed and forbidden, and prints a line for each.
func caged(dir string) {
	in := func(name string) string { return filepath.Join(dir, name) }
	report, err := cage.Enter(cage.Config{
		Read: []string{in("read"), in("missing")}, Write: []string{in("write")}, Memory: 256 * mib, FileBytes: mib, OpenFiles: 64,
	})
	fmt.Printf("enter: %v %v\n", report, err)
	read := func(name string) error {
		f, err := os.Open(name)
		if err == nil {
			_, err = f.Read(make([]byte, 1))
			f.Close()
		}
		return err
	}
	try := func(what string, err error) {
		errno, _ := errors.AsType[syscall.Errno](err)
		switch {
		case err == nil:
			fmt.Println(what + ": done")
		case errno != 0:
			fmt.Println(what + ": " + errno.Error())
		default:
			fmt.Println(what + ": " + err.Error())
		}
	}
	try("read a readable file", read(in("read/file")))
	try("read a writable file", read(in("write/file")))
	try("read another file", read(in("other")))
	try("read the environment of the parent", read(fmt.Sprintf("/proc/%d/environ", os.Getppid())))
	try("write a readable file", os.WriteFile(in("read/file"), nil, 0o600))
	try("truncate a readable file", os.Truncate(in("read/file"), 0))
	try("remove a readable file", os.Remove(in("read/file")))
	try("create beside a readable file", os.WriteFile(in("read/new"), nil, 0o600))
	try("rename into the writable directory", os.Rename(in("read/file"), in("write/stolen")))
	try("write a new file", os.WriteFile(in("write/new"), []byte("x"), 0o600))
	try("rename it", os.Rename(in("write/new"), in("write/newer")))
	try("write too much", os.WriteFile(in("write/large"), make([]byte, mib+1), 0o600))
	_, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	try("open a socket", err)
	try("run a program", syscall.Exec("/bin/true", []string{"true"}, nil))
	try("kill the parent", syscall.Kill(os.Getppid(), syscall.SIGTERM))
	_, err = syscall.Mmap(-1, 0, 257*mib, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	try("take too much memory", err)
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
	fmt.Println("core bytes:", limit.Max)
	group, _ := syscall.Getpgid(0)
	fmt.Println("own process group:", group == os.Getpid())
}

// parent starts a child that locks itself in, and waits for it.
func parent() {
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stdout = []string{childRole + "=held"}, os.Stdout
	p, err := cage.Start(cmd)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = p.Wait()
}

// held locks itself in, prints its process ID and waits. It does this on a thread other than its first: the kernel
// decides per thread what happens when the parent dies.
func held() {
	runtime.LockOSThread()
	entered := make(chan error)
	go func() {
		_, err := cage.Enter(cage.Config{OpenFiles: 64})
		entered <- err
	}()
	if err := <-entered; err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(os.Getpid())
	_ = syscall.Pause()
}

// newFiles creates the files that caged looks for.
func newFiles(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range []string{"read/file", "write/file", "other"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// self returns a command that runs the test binary in a role.
func self(tb testing.TB, role string, args ...string) *exec.Cmd {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), exe, args...)
	cmd.Env = []string{childRole + "=" + role}
	return cmd
}

func TestWhatACagedProcessMayDo(t *testing.T) {
	t.Parallel()
	dir := newFiles(t)
	var out bytes.Buffer
	cmd := self(t, "caged", dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := cage.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	const want = `enter:  <nil>
read a readable file: done
read a writable file: done
read another file: permission denied
read the environment of the parent: permission denied
write a readable file: permission denied
truncate a readable file: permission denied
remove a readable file: permission denied
create beside a readable file: permission denied
rename into the writable directory: permission denied
write a new file: done
rename it: done
write too much: file too large
open a socket: operation not permitted
run a program: operation not permitted
kill the parent: operation not permitted
take too much memory: cannot allocate memory
core bytes: 0
own process group: true
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "read", "file")); err != nil || string(b) != "content" {
		t.Errorf("the readable file holds %q, %v", b, err)
	}
}

func TestChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	cmd := self(t, "parent")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(stdout, &pid); err != nil {
		t.Fatal(err)
	}
	child, err := os.FindProcess(pid) // through a handle that always refers to this process
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for range 1000 {
		if err := child.Signal(syscall.Signal(0)); err != nil {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("the child %d still lives", pid)
}

func TestStartOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := cage.Start(exec.CommandContext(t.Context(), "/nowhere/at/all")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want that there is no such program", err)
	}
}
