//go:build race

package proctest

// Race says that tests, and the programs they start, run with the race detector.
const Race = true
