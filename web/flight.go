package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// flightMetrics counts the queries of the Arrow Flight SQL server.
type flightMetrics struct {
	open  *prometheus.GaugeVec
	ended *prometheus.CounterVec
	took  prometheus.Histogram
}

// WatchFlight adds the metrics of the Arrow Flight SQL server.
func (m *Metrics) WatchFlight() {
	m.flight = &flightMetrics{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "mixduck_flight_queries", Help: "Queries of the Arrow Flight SQL server that are running, or waiting for a free slot.",
		}, []string{"state"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mixduck_flight_queries_total", Help: "Queries of the Arrow Flight SQL server that have ended, by outcome.",
		}, []string{"outcome"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mixduck_flight_query_seconds", Help: "Run time of queries of the Arrow Flight SQL server, including failed ones.",
			Buckets: []float64{0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000},
		}),
	}
	m.registry.MustRegister(m.flight.open, m.flight.ended, m.flight.took)
	m.FlightQueries(0, 0)
	for _, outcome := range []string{"done", "failed", "cancelled"} { // from 0 on, so that the first failure is an increase
		m.flight.ended.WithLabelValues(outcome)
	}
}

// FlightQueries sets how many queries run and wait. It needs WatchFlight, like FlightQueryEnded.
func (m *Metrics) FlightQueries(running, waiting int) {
	m.flight.open.WithLabelValues("running").Set(float64(running))
	m.flight.open.WithLabelValues("waiting").Set(float64(waiting))
}

// FlightQueryEnded counts a query.
func (m *Metrics) FlightQueryEnded(outcome string, took time.Duration) {
	m.flight.ended.WithLabelValues(outcome).Inc()
	m.flight.took.Observe(took.Seconds())
}
