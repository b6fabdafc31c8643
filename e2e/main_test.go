// Package e2e tests the programs as people use them: real binaries, real files, real HTTP, and a queue that is
// embedded or a real Redis. Mixpanel is a stand-in served by the tests.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/proctest"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain puts the programs at the front of PATH.
func testMain(m *testing.M) int {
	bin, remove, err := proctest.Programs()
	if err == nil {
		defer remove()
		err = os.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
