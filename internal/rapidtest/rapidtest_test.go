package rapidtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"mixduck/internal/rapidtest"
)

// A failure in a check ends the check, so rapid can catch it: the outer test goes on and passes.
func TestWrapKeepsFailuresInTheCheck(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(testing.TB){
		"Fatal": func(tb testing.TB) { tb.Fatal("x") }, "Fatalf": func(tb testing.TB) { tb.Fatalf("x") },
		"FailNow": func(tb testing.TB) { tb.FailNow() }, "Skip": func(tb testing.TB) { tb.Skip("x") },
	} {
		ended := false
		rapid.Custom(func(c *rapid.T) int {
			rapid.Bool().Draw(c, "anything") // a generator must draw
			defer func() {
				ended = true
				_ = recover() // how rapid ends a check
			}()
			fail(rapidtest.Wrap(t, c))
			t.Errorf("%s returned", name)
			return 0
		}).Example()
		if !ended || t.Failed() {
			t.Fatalf("%s: check ended = %v, outer test failed = %v", name, ended, t.Failed())
		}
	}
}
