package web

import "github.com/prometheus/client_golang/prometheus"

// KeptSchedules compares the queue with the schedules of a worker.
type KeptSchedules struct {
	Schedules int // in the worker's file
	Missing   int // number of those that the queue should know but does not
	Losses    int // how often the queue had lost data
}

// WatchSchedules adds metrics that do not depend on the state of the queue.
func (m *Metrics) WatchSchedules(status func() KeptSchedules) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_file_schedules", Help: "Schedules in the configuration file of this worker.",
		}, func() float64 { return float64(status().Schedules) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_file_schedules_missing", Help: "Schedules of this worker's file that are missing in the queue.",
		}, func() float64 { return float64(status().Missing) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "mixduck_queue_losses_total", Help: "Losses of data in the queue that this worker has detected.",
		}, func() float64 { return float64(status().Losses) }),
	)
}

// WatchRedis adds metrics for Redis settings that endanger the queue, by kind of problem.
func (m *Metrics) WatchRedis(problems func() map[string]bool) {
	for kind := range problems() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_redis_problems", Help: "1 if a setting of Redis endangers the queue, by kind of problem.",
			ConstLabels: prometheus.Labels{"kind": kind},
		}, func() float64 { return number(problems()[kind]) }))
	}
}
