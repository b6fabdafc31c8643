package bench_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/internal/proctest"
)

// worker is `worker run` in a separate process.
type worker struct{ *proctest.Process }

// startWorker runs a worker with env and args, and returns when it takes jobs. The worker is killed when the benchmark
// ends.
func startWorker(b *testing.B, env []string, args ...string) *worker {
	b.Helper()
	env = append(slices.Clip(env), "MIXDUCK_HTTP_LISTEN=off") // several run at once
	p := proctest.Start(b, env, program("worker"), append([]string{"run"}, args...)...)
	p.WaitFor(b, "worker started")
	return &worker{p}
}

// ticksPerSecond is the unit of times in /proc/PID/stat: USER_HZ, which is the same on all machines (man 7 time).
const ticksPerSecond = 100

// cpu returns the CPU time of the worker, in steps of 10 ms.
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

// proc returns the content of /proc/PID/name for the worker.
func (w *worker) proc(b *testing.B, name string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", w.PID(), name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}
