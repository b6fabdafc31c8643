// Package e2e tests the programs as people use them: real binaries, real files, real HTTP, and a queue that is embedded
// or a real Redis. Mixpanel is a stand-in that the tests serve.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain builds the programs and puts them first into the PATH.
func testMain(m *testing.M) int {
	bin, err := os.MkdirTemp("", "mixduck-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	args := []string{"build", "-o", bin + string(filepath.Separator)}
	if withRace {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "mixduck/cmd/worker", "mixduck/cmd/enqueue", "mixduck/cmd/mp")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	if err := os.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
