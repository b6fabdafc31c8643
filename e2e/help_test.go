package e2e

import (
	"strings"
	"testing"
)

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"worker", "worker run", "worker healthcheck", "worker demo", "worker version",
		"enqueue", "enqueue fetch", "enqueue fetch events", "enqueue version",
		"enqueue jobs", "enqueue jobs list", "enqueue jobs show", "enqueue jobs wait", "enqueue jobs cancel", "enqueue jobs retry",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			words := append(strings.Fields(line), "--help")
			r := command(t, nil, words[0], words[1:]...)
			if r.code != 0 || r.stderr != "" || !strings.Contains(r.stdout, "Usage:") {
				t.Errorf("exit code %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
			}
			_, examples, ok := strings.Cut(r.stdout, "Examples:\n")
			if !ok || !strings.Contains(examples, words[0]+" ") {
				t.Errorf("there is no example:\n%s", r.stdout)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"worker", "enqueue"} {
		if r := command(t, nil, program, "version"); r.code != 0 || !strings.HasPrefix(r.stdout, program+" ") || r.stderr != "" {
			t.Errorf("%s version: exit code %d, %q, %q", program, r.code, r.stdout, r.stderr)
		}
	}
}

func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("the demo loads 200,000 events")
	}
	t.Parallel()
	tmp := t.TempDir()
	r := command(t, []string{"TMPDIR=" + tmp, "HOME=" + t.TempDir()}, "worker", "demo")
	if r.code != 0 || !strings.Contains(r.stdout, "Checked: every day has exactly the rows that the stand-in holds.") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	left := 0
	if err := walkFiles(tmp, func(string) { left++ }); err != nil || left > 0 {
		t.Errorf("%d files are left (%v)", left, err)
	}
}
