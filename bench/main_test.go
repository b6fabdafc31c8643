package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/proctest"
)

// bin is the directory of Mixduck's programs.
var bin string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, remove, err := proctest.Programs()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	bin = dir
	return m.Run()
}

// program returns the path of a Mixduck program.
func program(name string) string { return filepath.Join(bin, name) }
