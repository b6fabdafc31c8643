package web

import "github.com/prometheus/client_golang/prometheus"

// KeptSchedules says how the queue stands to the schedules of a worker.
type KeptSchedules struct {
	Schedules int // of the worker's file
	Missing   int // of them those that the queue should know, and does not
	Losses    int // how often the queue was found to have lost data
}

// WatchSchedules adds figures that are there whatever happens to the queue.
func (m *Metrics) WatchSchedules(status func() KeptSchedules) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_file_schedules", Help: "Schedules in the configuration file of this worker.",
		}, func() float64 { return float64(status().Schedules) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_file_schedules_missing", Help: "Schedules of this worker's file that the queue should know and does not.",
		}, func() float64 { return float64(status().Missing) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "mixduck_queue_losses_total", Help: "How often this worker has found that the queue had lost data.",
		}, func() float64 { return float64(status().Losses) }),
	)
}
