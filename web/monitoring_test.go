package web_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"mixduck/web"
)

const (
	monitoring = "../deploy/monitoring"
	operations = "../docs/operations.md"
)

// alert is an alerting rule.
type alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func readFile(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func readYAML(tb testing.TB, name string, into any) {
	tb.Helper()
	if err := yaml.Unmarshal([]byte(readFile(tb, filepath.Join(monitoring, name))), into); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

func alerts(tb testing.TB) []alert {
	tb.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	readYAML(tb, "alerts.yml", &file)
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 6 {
		tb.Fatalf("%d alerts", len(all))
	}
	return all
}

// dashboard holds the relevant parts of a Grafana dashboard.
type dashboard struct {
	Panels []struct {
		ID         int
		Title      string
		Datasource struct{ UID string }
		GridPos    struct{ X, Y, W, H int }
		Targets    []struct {
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

func readDashboard(tb testing.TB) dashboard {
	tb.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(readFile(tb, monitoring+"/grafana/dashboards/mixduck.json")), &d); err != nil {
		tb.Fatal(err)
	}
	if len(d.Panels) < 10 {
		tb.Fatalf("%d panels", len(d.Panels))
	}
	return d
}

// expressions returns all Prometheus expressions, by where they are.
func expressions(tb testing.TB) map[string]string {
	tb.Helper()
	all := map[string]string{}
	for _, a := range alerts(tb) {
		all["alert "+a.Alert] = a.Expr
	}
	for _, p := range readDashboard(tb).Panels {
		for i, t := range p.Targets {
			all[fmt.Sprintf("panel %s %d", p.Title, i)] = t.Expr
		}
	}
	for _, file := range ruleTests() {
		var tests struct {
			Tests []struct {
				Name        string
				InputSeries []struct{ Series string } `yaml:"input_series"`
			}
		}
		readYAML(tb, file, &tests)
		for _, t := range tests.Tests {
			for i, s := range t.InputSeries {
				all[fmt.Sprintf("test %s %d", t.Name, i)] = s.Series
			}
		}
	}
	return all
}

// ruleTests are the files with tests of alerts.
func ruleTests() []string { return []string{"alerts_test.yml", "stale_test.yml", "loss_test.yml"} }

// metricLabels returns the labels of all metrics of a worker by name, including those added by scraping.
func metricLabels() map[string][]string {
	m := web.NewMetrics("", nil, web.NewHealth())
	q := &fakeQueue{}
	m.WatchFlight()
	m.WatchQueue(q, q, q)
	m.WatchVolumes(nil)
	m.WatchSchedules(func() web.KeptSchedules { return web.KeptSchedules{} })
	m.WatchRedis(func() map[string]bool { return map[string]bool{"role": false} })
	all := m.Described()
	for _, histogram := range []string{"mixduck_load_seconds", "mixduck_query_seconds"} {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			all[histogram+part] = append(slices.Clone(all[histogram]), "le")
		}
	}
	all["up"] = nil
	for name := range all {
		all[name] = append(all[name], "job", "instance")
	}
	return all
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	named     = regexp.MustCompile(`\b(?:(?:mixduck|process|go)_\w+|up)\b`)
	labelling = regexp.MustCompile(`(?:by|on|ignoring|without) \(([\w, ]*)\)|[{,]\s*(\w+)\s*[=!]`)
)

// An alert on a missing metric or label never fires, and nobody notices.
func TestMonitoringAsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	known := metricLabels()
	for where, expr := range expressions(t) {
		expr = quoted.ReplaceAllString(expr, `""`)
		asked := named.FindAllString(expr, -1)
		if len(asked) == 0 {
			t.Errorf("%s asks for nothing: %s", where, expr)
		}
		var labels []string
		for _, name := range asked {
			if _, ok := known[name]; !ok {
				t.Errorf("%s asks for %s, which no worker has", where, name)
			}
			labels = append(labels, known[name]...)
		}
		for _, m := range labelling.FindAllStringSubmatch(expr, -1) {
			for label := range strings.SplitSeq(m[1]+m[2], ",") {
				if label = strings.TrimSpace(label); label != "" && !slices.Contains(labels, label) {
					t.Errorf("%s asks for label %s, which none of %s has", where, label, asked)
				}
			}
		}
	}
}

// Labels multiply series, so there are few, with few values.
func TestMetricsHaveFewLabels(t *testing.T) {
	t.Parallel()
	allowed := []string{"", "project", "table", "volume", "kind", "state", "outcome", "version", "goversion", "le", "job", "instance"}
	for name, labels := range metricLabels() {
		for _, label := range labels {
			if strings.HasPrefix(name, "mixduck_") && !slices.Contains(allowed, label) {
				t.Errorf("%s has label %s", name, label)
			}
		}
	}
}

func TestEveryMetricIsOnThePage(t *testing.T) {
	t.Parallel()
	names := func(all []string) map[string]bool {
		set := map[string]bool{}
		for _, name := range all {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, "_seconds"+part) + map[bool]string{true: "_seconds"}[strings.HasSuffix(name, "_seconds"+part)]
			}
			if strings.HasPrefix(name, "mixduck_") {
				set[name] = true
			}
		}
		return set
	}
	page := regexp.MustCompile("`(mixduck_\\w+)`").FindAllString(readFile(t, operations), -1)
	for i := range page {
		page[i] = strings.Trim(page[i], "`")
	}
	if diff := cmp.Diff(names(slices.Collect(maps.Keys(metricLabels()))), names(page)); diff != "" {
		t.Errorf("metrics and %s differ (-code +page):\n%s", operations, diff)
	}
}

// slug returns the anchor of a heading in GitHub's form.
func slug(heading string) string {
	return regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ReplaceAll(strings.ToLower(heading), " ", "-"), "")
}

func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(readFile(t, operations), -1) {
		anchors["docs/operations.md#"+slug(m[1])] = true
	}
	var tested strings.Builder
	for _, file := range ruleTests() {
		tested.WriteString(readFile(t, filepath.Join(monitoring, file)))
	}
	for _, a := range alerts(t) {
		if s := a.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has severity %q", a.Alert, s)
		}
		if a.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", a.Alert)
		}
		if !anchors[a.Annotations["runbook_url"]] {
			t.Errorf("%s: there is no %s", a.Alert, a.Annotations["runbook_url"])
		}
		if !strings.Contains(tested.String(), "alertname: "+a.Alert+"\n        exp_alerts:") {
			t.Errorf("no test has %s fire", a.Alert)
		}
	}
}

func TestDashboardFitsItsSource(t *testing.T) {
	t.Parallel()
	var sources struct {
		Datasources []struct{ UID, Type, URL string }
	}
	readYAML(t, "grafana/provisioning/datasources/prometheus.yml", &sources)
	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	readYAML(t, "grafana/provisioning/dashboards/mixduck.yml", &providers)
	if len(sources.Datasources) != 1 || len(providers.Providers) != 1 || providers.Providers[0].Options.Path == "" {
		t.Fatalf("provisioned: %+v, %+v", sources, providers)
	}
	ids := map[int]bool{}
	for _, p := range readDashboard(t).Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
			t.Errorf("panel %d (%s) lies at %+v, or is there twice", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			if uid := sources.Datasources[0].UID; p.Datasource.UID != uid || target.Datasource.UID != uid {
				t.Errorf("panel %s asks another source", p.Title)
			}
		}
	}
}
