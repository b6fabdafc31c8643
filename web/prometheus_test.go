package web_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"mixduck/jobs"
	"mixduck/web"
)

func promtool(tb testing.TB, stdin string, args ...string) {
	tb.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("promtool is not installed")
		}
		tb.Skip("SKIPPED: promtool is not installed (Debian: prometheus), so that alerts and dashboards are not checked")
	}
	cmd := exec.CommandContext(tb.Context(), "promtool", args...)
	cmd.Dir, cmd.Stdin = monitoring, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPrometheusAccepts(t *testing.T) {
	t.Parallel()
	t.Run("the configuration", func(t *testing.T) {
		t.Parallel()
		promtool(t, "", "check", "config", "--syntax-only", "prometheus.yml")
	})
	t.Run("the alerts", func(t *testing.T) {
		t.Parallel()
		promtool(t, "", "check", "rules", "alerts.yml")
	})
	t.Run("what alerts do", func(t *testing.T) {
		t.Parallel()
		promtool(t, "", append([]string{"test", "rules"}, ruleTests()...)...)
	})
	t.Run("what the dashboard asks", func(t *testing.T) {
		t.Parallel()
		type rule struct{ Record, Expr string }
		var rules []rule
		for where, expr := range expressions(t) {
			if strings.HasPrefix(where, "panel ") {
				rules = append(rules, rule{fmt.Sprintf("panel:%d", len(rules)), expr})
			}
		}
		file, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "rules.yml")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		promtool(t, "", "check", "rules", name)
	})
	t.Run("how metrics are named", func(t *testing.T) {
		t.Parallel()
		p := serve(t, web.Config{})
		q := &fakeQueue{
			lanes:  []jobs.LaneInfo{{Database: "main/1.db", State: jobs.StateRunning}},
			tables: []jobs.TableState{{Project: "1", Table: "events"}},
		}
		p.metrics.WatchQueue(q, q, q)
		p.metrics.WatchVolumes([]web.Volume{{Name: "main", Dir: t.TempDir()}})
		p.metrics.WatchSchedules(func() web.KeptSchedules { return web.KeptSchedules{} })
		p.metrics.WatchRedis(func() map[string]bool { return map[string]bool{"role": true, "eviction": false} })
		_, body := p.get(t, "/metrics", "")
		promtool(t, body, "check", "metrics")
	})
}
