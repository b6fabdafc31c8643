package web

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// addSnapshots adds the metrics of snapshots, and of programs that hold databases.
func (m *Metrics) addSnapshots() {
	m.snapshots = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mixduck_snapshots_total", Help: "Snapshots by outcome: made, unchanged, refused because of disk space, or failed.",
	}, []string{"outcome"})
	m.snapshotTimes = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "mixduck_snapshot_seconds", Help: "Time to make a snapshot.",
		Buckets: []float64{0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000},
	})
	m.registry.MustRegister(m.snapshots, m.snapshotTimes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mixduck_snapshot_stale_timestamp_seconds",
		Help: "Time since when a database of this worker has had no current snapshot; 0 if all are current.",
	}, func() float64 { return m.staleSince.seconds() }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mixduck_held_timestamp_seconds",
		Help: "Time since when a job of this worker has been waiting for another program to close a database; 0 if none waits.",
	}, func() float64 { return m.heldSince.seconds() }))
	for _, outcome := range []string{"made", "unchanged", "refused", "failed"} { // start at 0, so the first failure is an increase
		m.snapshots.WithLabelValues(outcome)
	}
}

// SnapshotEnded counts an attempt to make a snapshot.
func (m *Metrics) SnapshotEnded(outcome string, took time.Duration) {
	m.snapshots.WithLabelValues(outcome).Inc()
	if outcome == "made" {
		m.snapshotTimes.Observe(took.Seconds())
	}
}

// WatchSnapshots sets the function that returns since when a database of this worker has had no current snapshot.
// Before that, all count as current.
func (m *Metrics) WatchSnapshots(staleSince func() time.Time) { m.staleSince.Store(&staleSince) }

// WatchHeld says how to find out since when a job of this worker has been waiting for another program.
func (m *Metrics) WatchHeld(since func() time.Time) { m.heldSince.Store(&since) }

// sinceFunc returns a time, zero for never. It is set once it is known.
type sinceFunc struct {
	atomic.Pointer[func() time.Time]
}

func (f *sinceFunc) seconds() float64 {
	if since := f.Load(); since != nil {
		return seconds((*since)())
	}
	return 0
}
