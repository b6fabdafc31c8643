// Package bench_test measures the built binaries and the loader. `make bench` runs it; it expects the binaries in bin/.
package bench_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// report prints a measurement; what includes its limit, if there is one.
func report(what, format string, args ...any) {
	fmt.Printf("  %-74s %s\n", what, fmt.Sprintf(format, args...))
}

// bar is report for a measurement with a limit. The benchmark fails unless the limit is met.
func bar(b *testing.B, met bool, what, format string, args ...any) {
	b.Helper()
	report(what, format, args...)
	if !met {
		b.Errorf("MISSED: %s: %s", what, fmt.Sprintf(format, args...))
	}
}

// median returns the upper median of v, which must not be empty.
func median(v []float64) float64 { return percentile(v, 50) }

// percentile returns the pth percentile of v, which must not be empty.
func percentile(v []float64, p int) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)*p/100]
}

// millis returns d in ms.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
