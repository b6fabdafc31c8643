package web

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Gathered returns the value of a gauge without labels.
func (m *Metrics) Gathered(tb testing.TB, name string) float64 {
	tb.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	tb.Fatalf("there is no %s", name)
	return 0
}

// Described returns the possible labels of each metric by name, whether or not they occur.
func (m *Metrics) Described() map[string][]string {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.registry.Describe(descs)
	}()
	names := map[string][]string{}
	for d := range descs {
		found := described.FindStringSubmatch(d.String())
		var labels []string
		for pair := range strings.SplitSeq(found[2], ",") {
			label, _, _ := strings.Cut(pair, "=")
			labels = append(labels, label)
		}
		names[found[1]] = append(labels, strings.Split(found[3], ",")...)
	}
	return names
}

var described = regexp.MustCompile(`^Desc\{fqName: "(\w+)", help: .*, constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// Routes returns the patterns of all pages, by server address.
func (s *Server) Routes() map[string][]string {
	all := map[string][]string{}
	for address, pages := range s.pages {
		all[address] = pages.patterns
	}
	return all
}
