package web

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mixduck/jobs"
)

// Metrics holds all metrics of a worker in a separate registry. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	names    map[string]string // project names by ID
	attempts *prometheus.CounterVec
	queries  prometheus.Histogram
	requests *prometheus.CounterVec
	rows     *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	loads    prometheus.Histogram
	flight   *flightMetrics // nil without such a server

	snapshots     *prometheus.CounterVec
	snapshotTimes prometheus.Histogram
	staleSince    sinceFunc // of snapshots
	heldSince     sinceFunc // of jobs that wait for another program
}

// NewMetrics returns the metrics of a worker with this version and health. names maps project IDs to names; projects
// without a name appear with their ID.
func NewMetrics(version string, names map[string]string, health *Health) *Metrics {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_build_info", Help: "Always 1; the labels contain the version.",
			ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
		}, func() float64 { return 1 }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "mixduck_draining", Help: "1 while the worker shuts down and takes no more jobs, otherwise 0.",
		}, func() float64 { return number(health.draining()) }),
	)
	m := &Metrics{
		registry: reg, names: names,
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mixduck_attempts_total", Help: "Finished attempts, by the resulting state of the job.",
		}, []string{"kind", "outcome"}),
		queries: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mixduck_query_seconds", Help: "Run time of queries, including failed ones.",
			Buckets: []float64{0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000},
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mixduck_mixpanel_requests_total", Help: "Requests to Mixpanel, by response status; none if there was no response.",
		}, []string{"outcome"}),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mixduck_loaded_rows_total", Help: "Committed rows.",
		}, []string{"project"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mixduck_loaded_bytes_total", Help: "Compressed bytes of committed responses.",
		}, []string{"project"}),
		loads: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mixduck_load_seconds", Help: "Time to load and commit a window, including the wait for the file.",
			Buckets: []float64{0.1, 0.3, 1, 3, 10, 30, 100, 300},
		}),
	}
	m.addSnapshots()
	reg.MustRegister(m.attempts, m.queries, m.requests, m.rows, m.bytes, m.loads)
	for _, name := range names {
		m.rows.WithLabelValues(name)
		m.bytes.WithLabelValues(name)
	}
	for _, kind := range []jobs.Kind{jobs.KindFetch, jobs.KindEdit, jobs.KindQuery, jobs.KindAsk} {
		for _, o := range outcomes() { // start at 0, so the first failure is an increase
			m.attempts.WithLabelValues(string(kind), o)
		}
	}
	return m
}

// drained and superseded are outcomes of attempts that are not job states.
const (
	drained    = "drained"    // returned to the queue
	superseded = "superseded" // another worker had taken over
)

func outcomes() []string {
	return []string{
		string(jobs.StateDone), string(jobs.StateFailed), string(jobs.StateCancelled), string(jobs.StateRetrying), string(jobs.StatePaused),
		drained, superseded,
	}
}

func outcome(became jobs.State) string {
	switch became {
	case jobs.StateWaiting:
		return drained
	case "":
		return superseded
	default:
		return string(became)
	}
}

// AttemptEnded counts an attempt.
func (m *Metrics) AttemptEnded(kind jobs.Kind, became jobs.State, took time.Duration) {
	m.attempts.WithLabelValues(string(kind), outcome(became)).Inc()
	if kind == jobs.KindQuery {
		m.queries.Observe(took.Seconds())
	}
}

// Answered counts a request to Mixpanel by the status of the response, 0 for none.
func (m *Metrics) Answered(status int) {
	outcome := "none"
	if status > 0 {
		outcome = strconv.Itoa(status)
	}
	m.requests.WithLabelValues(outcome).Inc()
}

// projectName returns the name in metrics of a project given by name or ID.
func (m *Metrics) projectName(project string) string {
	if name := m.names[project]; name != "" {
		return name
	}
	return project
}

// WindowLoaded counts a committed window.
func (m *Metrics) WindowLoaded(project, rows, bytes int64, took time.Duration) {
	name := m.projectName(strconv.FormatInt(project, 10))
	m.rows.WithLabelValues(name).Add(float64(rows))
	m.bytes.WithLabelValues(name).Add(float64(bytes))
	m.loads.Observe(took.Seconds())
}

const (
	scrapesAtOnce = 4
	scrapeTimeout = 20 * time.Second
)

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeTimeout,
	})
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
