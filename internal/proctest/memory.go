package proctest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// PeakMemory returns the peak resident memory of the process in bytes. It needs Linux.
func (p *Process) PeakMemory(tb testing.TB) int64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		tb.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		tb.Fatal(err)
	}
	return kib * 1024
}
