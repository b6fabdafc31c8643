package web

import "testing"

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
