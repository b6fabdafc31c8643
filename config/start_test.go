package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/config"
	"mixduck/internal/fault"
)

func TestStartsOfSchedules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "x.yaml")
	if err := os.WriteFile(file, []byte(`projects:
  west: {id: 1, timezone: America/Los_Angeles}
  east: {id: 2, timezone: Asia/Tokyo}
schedules:
  - {name: past, project: west, cron: "@daily", start: 2026-01-01}
  - {name: unset, project: west, cron: "@daily", table: a}
  - {name: west, project: west, cron: "@daily", table: b, start: 2026-11-22}
  - {name: east, project: east, cron: "@daily", start: 2026-11-22}
  - {name: far, project: east, cron: "@daily", enabled: false, timezone: UTC, start: 2062-11-22}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadClient([]string{"HOME=" + dir, "MIXDUCK_CONFIG=" + file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	evening := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC) // the next day in Tokyo
	err = cfg.CheckStarts(evening)
	want := strings.ReplaceAll(`FILE:7:66: schedules.west.start: 2026-11-22 is in the future: today is 2026-11-21 in the project's time zone
FILE:9:86: schedules.far.start: 2062-11-22 is in the future: today is 2026-11-22 in the project's time zone`, "FILE", file)
	if err == nil || err.Error() != want || fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("CheckStarts = %v\nwant %s", err, want)
	}
	if err := cfg.CheckStarts(evening.AddDate(50, 0, 0)); err != nil {
		t.Errorf("later: %v", err)
	}
}
