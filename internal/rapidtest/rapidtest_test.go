package rapidtest_test

import (
	"os"
	"testing"

	"pgregory.net/rapid"

	"mixduck/internal/rapidtest"
)

// A failure in a check ends the check, so rapid can catch it: the outer test continues and passes.
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

// Each check has a directory, which is removed after the check.
func TestTempDirIsOfOneCheck(t *testing.T) {
	t.Parallel()
	var dirs []string
	rapid.Check(t, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		for _, dir := range dirs {
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Fatalf("%s of an earlier check: %v", dir, err)
			}
		}
		rapid.Bool().Draw(rt, "anything")
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	})
	if len(dirs) < 2 || dirs[0] == dirs[1] {
		t.Errorf("directories = %q, want one for each check", dirs)
	}
}
