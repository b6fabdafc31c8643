//go:build race

package e2e

// withRace says that the programs are built with the race detector, as the tests are.
const withRace = true
