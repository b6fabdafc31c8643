package rapidtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"mixduck/internal/rapidtest"
)

func TestFewRunsTheFirstChecks(t *testing.T) {
	t.Parallel()
	ran := 0
	rapid.Check(t, rapidtest.Few(3, func(t *rapid.T) {
		rapid.Int().Draw(t, "n")
		ran++
	}))
	if ran != 3 {
		t.Errorf("%d checks ran, want 3", ran)
	}
}
