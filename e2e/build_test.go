package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCommandLineBuildsWithoutC(t *testing.T) {
	t.Parallel()
	env := append(os.Environ(), "CGO_ENABLED=0")
	bin := filepath.Join(t.TempDir(), "enqueue")
	if r := command(t, env, "go", "build", "-o", bin, "mixduck/cmd/enqueue"); r.code != 0 {
		t.Fatalf("go build: %s", r.stderr)
	}
	if r := command(t, nil, bin, "version"); r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
}
