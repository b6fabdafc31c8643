package chaos

import (
	"fmt"
	"testing"
)

// crime is a kind of violation.
type crime int

const (
	overlap   crime = iota // two jobs wrote to a database concurrently, or one after its turn
	inversion              // jobs of a database ran out of order
	twice                  // something was done more than once
	lost                   // something was not done
	wrongRows              // a database has other rows than Mixpanel
	disorder               // anything else
	crimes
)

// verdict collects the violations in a scenario.
type verdict struct {
	counts   [crimes]int
	problems []string
}

func (v *verdict) add(c crime, format string, args ...any) {
	v.counts[c]++
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// String counts the violations.
func (v *verdict) String() string {
	rows := "rows exact"
	if v.counts[wrongRows] > 0 {
		rows = "ROWS WRONG"
	}
	return fmt.Sprintf("%d overlaps  %d inversions  %d twice  %d lost  %s",
		v.counts[overlap], v.counts[inversion], v.counts[twice], v.counts[lost], rows)
}

// fail fails the test if there are violations.
func (v *verdict) fail(tb testing.TB) {
	tb.Helper()
	const most = 20
	for _, p := range v.problems[:min(most, len(v.problems))] {
		tb.Error(p)
	}
	if more := len(v.problems) - most; more > 0 {
		tb.Errorf("and %d more", more)
	}
}
