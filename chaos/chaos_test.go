// Package chaos kills, freezes and starves real workers and a real Redis while many jobs run, and then checks that
// nothing was lost, written twice, or written out of turn. It relies on the databases, the records of the jobs, the
// log of Redis, the locks of the kernel and the requests to the stand-in for Mixpanel, not on what the workers say.
//
// `make chaos` runs it. CHAOS_SCALE multiplies the number of jobs; without it only the checks themselves are tested.
// CHAOS_SEED repeats the random actions, but not their exact timing.
package chaos

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"mixduck/internal/proctest"
)

const (
	scaleVariable = "CHAOS_SCALE"
	seedVariable  = "CHAOS_SEED"
)

func TestChaos(t *testing.T) {
	t.Parallel()
	if os.Getenv(scaleVariable) == "" {
		t.Skip("SKIPPED: make chaos runs this, for some minutes")
	}
	logging.Disable() // it prints a line for each failed connection
	bin, remove, err := proctest.Programs()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			sc.run(t, bin)
		})
	}
	t.Run(lossScenario.name, func(t *testing.T) {
		t.Parallel()
		runLoss(t, bin)
	})
}

// scale returns the factor for the number of jobs.
func scale(tb testing.TB) int {
	tb.Helper()
	text := os.Getenv(scaleVariable)
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("%s=%s: want a number from 1 on", scaleVariable, text)
	}
	return n
}

// newRandom takes its seed from the environment. A failing test prints it.
func newRandom(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			tb.Fatalf("%s: %v", seedVariable, err)
		}
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("%s=%d", seedVariable, seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}
