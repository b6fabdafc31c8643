package presence_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/presence"
)

// childDir makes the test binary a process that marks itself in that directory and waits.
const childDir = "MIXDUCK_TEST_PRESENCE"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	mark, err := presence.Enter(dir, "child")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("marked")
	bufio.NewReader(os.Stdin).ReadByte()
	runtime.KeepAlive(mark)
	os.Exit(0) // without leaving
}

func TestAProcessIsAliveUntilItEnds(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "[marks]")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "marked\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	want(t, dir, "child alive")
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	want(t, dir, "child alive")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	want(t, dir, "child dead")
	for _, s := range look(t, dir) {
		if err := presence.Forget(s); err != nil {
			t.Fatal(err)
		}
		if err := presence.Forget(s); err != nil { // another process was faster
			t.Errorf("forget again: %v", err)
		}
	}
	want(t, dir)
}

func TestWhoLeavesLooksDead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, id := range []string{"a", "b"} {
		m, err := presence.Enter(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		want(t, dir, id+" alive")
		if err := m.Leave(); err != nil {
			t.Fatal(err)
		}
		want(t, dir, id+" dead")
		if err := presence.Forget(look(t, dir)[0]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOtherFilesProveNothing(t *testing.T) {
	t.Parallel()
	dir, live := t.TempDir(), t.TempDir()
	m, err := presence.Enter(live, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Leave()
	names, err := filepath.Glob(filepath.Join(live, "*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("files = %q, %v", names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("copy.alive", string(text))
	write("half.alive", string(text[:10]))
	write("empty.alive", "")
	want(t, dir, " dead", " dead", " dead")
	want(t, live, "a alive")
	if runningKernel := kernelOf(t, string(text)); runningKernel == "" {
		t.Error("the running kernel is unknown, so no death is ever proved")
	} else if err := os.WriteFile(names[0], []byte(strings.Replace(string(text), runningKernel, "another", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, live, " alive") // written on another machine
}

// kernelOf returns the kernel in the text of a mark.
func kernelOf(t *testing.T, text string) string {
	t.Helper()
	_, rest, _ := strings.Cut(text, `"kernel":"`)
	kernel, _, _ := strings.Cut(rest, `"`)
	return kernel
}

func look(t *testing.T, dir string) []presence.Sighting {
	t.Helper()
	all, err := presence.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func want(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range look(t, dir) {
		state := "dead"
		if s.Alive {
			state = "alive"
		}
		got = append(got, s.ID+" "+state)
	}
	if strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("marks = %q, want %q", got, want)
	}
}
