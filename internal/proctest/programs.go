package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binVariable names a directory with programs that are already built. `make test` sets it, so that each is built once.
const binVariable = "MIXDUCK_TEST_BIN"

// Programs returns a directory with worker, enqueue, mp and fakemixpanel. If MIXDUCK_TEST_BIN is not set, it builds
// them from this source, with the race detector if the test has it. remove deletes what was built.
func Programs() (dir string, remove func(), err error) {
	if dir := os.Getenv(binVariable); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "worker")); err != nil {
			return "", nil, fmt.Errorf("%s: %w", binVariable, err)
		}
		return dir, func() {}, os.Unsetenv(binVariable) // the programs do not know it
	}
	dir, err = os.MkdirTemp("", "mixduck-bin-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err := build(dir); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}

func build(dir string) error {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if Race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/worker", "./cmd/enqueue", "./cmd/mp", "./mixpanel/mixpaneltest/fakemixpanel")...)
	cmd.Dir = strings.TrimSpace(string(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}
