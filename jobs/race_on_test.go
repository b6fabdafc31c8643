//go:build race

package jobs_test

// withRace says that the tests run with the race detector.
const withRace = true
