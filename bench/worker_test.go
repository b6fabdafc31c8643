package bench_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// worker is `worker run` in a process of its own.
type worker struct {
	cmd  *exec.Cmd
	said chan string // lines of its log after the start, if somebody wants them; closed at its end
}

// startWorker runs a worker with env and args, and returns when it takes jobs. It is killed when the benchmark ends.
func startWorker(b *testing.B, env []string, args ...string) *worker {
	b.Helper()
	w := &worker{cmd: exec.Command("../bin/worker", append([]string{"run"}, args...)...), said: make(chan string, 10_000)}
	w.cmd.Env = append(slices.Clip(env), "MIXDUCK_HTTP_LISTEN=off") // several run at once
	log, err := w.cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		b.Fatalf("start a worker (make build?): %v", err)
	}
	b.Cleanup(w.kill)
	var said strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); fmt.Fprintln(&said, lines.Text()) {
		if strings.Contains(lines.Text(), "worker started") {
			go w.listen(lines)
			return w
		}
	}
	b.Fatalf("the worker did not start:\n%s", said.String())
	return nil
}

// listen keeps what the worker says, as far as there is room.
func (w *worker) listen(lines *bufio.Scanner) {
	defer close(w.said)
	for lines.Scan() {
		select {
		case w.said <- lines.Text():
		default:
		}
	}
}

// stop lets the worker drain, and waits until it has ended.
func (w *worker) stop(b *testing.B) {
	b.Helper()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	if err := w.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

// peakMemory returns the most memory that the worker has had resident, in bytes.
func (w *worker) peakMemory(b *testing.B) int64 {
	b.Helper()
	_, after, _ := strings.Cut(w.proc(b, "status"), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		b.Fatal(err)
	}
	return kib * 1024
}

// ticksPerSecond is the unit of times in /proc/PID/stat: USER_HZ, which is the same on all machines (man 7 time).
const ticksPerSecond = 100

// cpu returns the processor time that the worker has taken, in steps of 10 ms.
func (w *worker) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat := w.proc(b, "stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from the third on
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// proc returns what the kernel says of the worker in /proc/PID/name.
func (w *worker) proc(b *testing.B, name string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", w.cmd.Process.Pid, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}
