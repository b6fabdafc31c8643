//go:build !race

package schedule_test

// withRace says that the tests run with the race detector.
const withRace = false
