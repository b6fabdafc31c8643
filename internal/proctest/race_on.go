//go:build race

package proctest

// withRace says that tests, and the programs they start, run with the race detector.
const withRace = true
