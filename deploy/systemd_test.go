package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mixduck/config"
)

const unit = "systemd/mixduck-worker.service"

// analyze runs systemd-analyze on a copy of the unit with an existing program.
func analyze(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("SKIPPED: the unit is not verified, since there is no systemd-analyze: apt-get install systemd")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), filepath.Base(unit))
	text := strings.Replace(read(t, unit), "=/usr/local/bin/worker ", "="+self+" ", 1)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, append(args, name)...).CombinedOutput()
	if err != nil || args[0] == "verify" && len(out) > 0 {
		t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestUnitIsValid(t *testing.T) {
	t.Parallel()
	analyze(t, "verify", "--man=no", "--recursive-errors=no")
}

// The threshold is in tenths: 10 is a unit without restrictions.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	analyze(t, "security", "--offline=yes", "--threshold=15", "--no-pager")
}

func TestUnitHasSettingsOfTheWorker(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "mp_secret")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := read(t, unit)
	environ := []string{"HOME=/"}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(.*)$`).FindAllStringSubmatch(text, -1) {
		environ = append(environ, strings.Fields(strings.ReplaceAll(m[1], "%d/mp_secret", secret))...)
	}
	cfg, err := config.Load(environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := time.ParseDuration(regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(text)[1] + "s")
	if err != nil || stop < cfg.Worker.DrainTimeout+10*time.Second {
		t.Errorf("the worker is given %s to stop, and takes %s to drain", stop, cfg.Worker.DrainTimeout)
	}
	state := regexp.MustCompile(`(?m)^StateDirectory=(.*)$`).FindStringSubmatch(text)[1]
	if cfg.DataDir != "/var/lib/"+state || cfg.Fallback.Secret.Reveal() != "s3cret" {
		t.Errorf("settings = %+v", cfg)
	}
}
