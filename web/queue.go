package web

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/schedule"
)

// queue is the source of queue metrics; [queue.Queue] is one.
type queue interface {
	Counts(ctx context.Context) ([]jobs.StateCount, error)
	Lanes(ctx context.Context) ([]jobs.LaneInfo, error)
	Workers(ctx context.Context) ([]jobs.WorkerInfo, error)
	Tables(ctx context.Context) ([]jobs.TableState, error)
}

// schedules lists schedules; [schedule.Store] is one.
type schedules interface {
	List(ctx context.Context, now time.Time) ([]schedule.State, error)
}

// budgets returns the remaining Mixpanel requests of a project; [budget.Budget] is one.
type budgets interface {
	State(ctx context.Context, project string) (budget.State, error)
}

// queueKept is the maximum age of queue metrics.
const queueKept = 10 * time.Second

// WatchQueue adds the metrics of the queue, which are equal on all its workers, and of the budgets of projects. They
// are read on demand, but at most every ten seconds. A nil budget means that requests are not counted.
func (m *Metrics) WatchQueue(q queue, s schedules, b budgets) {
	m.registry.MustRegister(&queueMetrics{newSnapshot(queueKept, func(ctx context.Context) (queueState, error) {
		return m.askQueue(ctx, q, s, b)
	})})
}

// queueState is the state of the queue.
type queueState struct {
	counts  []jobs.StateCount
	lanes   []jobs.LaneInfo
	workers int
	tables  map[tableName]tableInfo
	budgets map[string]budget.State // by project name
}

func (m *Metrics) askQueue(ctx context.Context, q queue, entries schedules, b budgets) (s queueState, err error) {
	if s.counts, err = q.Counts(ctx); err != nil {
		return s, err
	}
	if s.lanes, err = q.Lanes(ctx); err != nil {
		return s, err
	}
	workers, err := q.Workers(ctx)
	if err != nil {
		return s, err
	}
	s.workers = len(workers)
	held, err := q.Tables(ctx)
	if err != nil {
		return s, err
	}
	schedules, err := entries.List(ctx, time.Now())
	if err != nil {
		return s, err
	}
	s.tables = tables(held, schedules, m.projectName)
	if b != nil {
		s.budgets, err = m.askBudgets(ctx, b, held)
	}
	return s, err
}

// askBudgets gets the budgets of projects with known IDs: those in the settings, and those fetched by ID.
func (m *Metrics) askBudgets(ctx context.Context, b budgets, held []jobs.TableState) (map[string]budget.State, error) {
	ids := maps.Clone(m.names)
	for _, t := range held {
		if _, err := strconv.ParseInt(t.Project, 10, 64); err == nil {
			ids[t.Project] = m.projectName(t.Project)
		}
	}
	all := make(map[string]budget.State, len(ids))
	for id, name := range ids {
		state, err := b.State(ctx, id)
		if err != nil {
			return nil, err
		}
		all[name] = state
	}
	return all, nil
}

// queueMetrics is the collector of queue metrics.
type queueMetrics struct {
	snapshot *snapshot[queueState]
}

// gauge describes a metric that is read on demand.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func set(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

var (
	queueUp     = gauge("mixduck_queue_up", "1 if the last request to the queue succeeded, otherwise 0.")
	workersLive = gauge("mixduck_workers", "Live workers of the queue.")
	jobsNow     = gauge("mixduck_jobs", "Stored jobs, by state.", "state")
	jobOldest   = gauge("mixduck_oldest_job_timestamp_seconds", "Submission time of the oldest unfinished job, by state.", "state")
	lanesNow    = gauge("mixduck_lanes", "Lanes by state: a job is running, a job is queued for a free worker, or all jobs are delayed (aside).", "volume", "state")
	laneJobs    = gauge("mixduck_lane_jobs", "Jobs in lanes by state: waiting for their turn, or delayed because they are paused or retrying (aside).", "volume", "state")
	turnOldest  = gauge("mixduck_oldest_turn_timestamp_seconds", "Start time of the longest current turn, by state.", "volume", "state")
	budgetLeft  = gauge("mixduck_budget_left_requests", "Remaining export requests of a project in this hour.", "project")
	budgetLimit = gauge("mixduck_budget_limit_requests", "Export requests allowed per hour for a project.", "project")
	budgetNext  = gauge("mixduck_budget_free_timestamp_seconds", "Earliest time of the next export request; 0 if it is possible now.", "project")
)

// Describe sends the descriptions of the metrics.
func (*queueMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		queueUp, workersLive, jobsNow, jobOldest, lanesNow, laneJobs, turnOldest, budgetLeft, budgetLimit, budgetNext,
		lastSuccess, lastComplete, lastTick, coverageDays, tableRows, timeWarning,
		lastRefresh, refreshRows, lastVerified, verifiedDifferences,
	} {
		out <- d
	}
}

// Collect reads the metrics from the queue. If the queue does not respond, it only reports it as down.
func (f *queueMetrics) Collect(out chan<- prometheus.Metric) {
	s, err := f.snapshot.get(context.Background())
	set(out, queueUp, number(err == nil))
	if err != nil {
		return
	}
	set(out, workersLive, float64(s.workers))
	for _, c := range s.counts {
		set(out, jobsNow, float64(c.Jobs), string(c.State))
		if !c.State.Final() && !c.Oldest.IsZero() {
			set(out, jobOldest, seconds(c.Oldest), string(c.State))
		}
	}
	collectLanes(out, s.lanes)
	collectTables(out, s.tables)
	for project, b := range s.budgets {
		set(out, budgetLeft, float64(b.Left), project)
		set(out, budgetLimit, float64(b.Limit), project)
		set(out, budgetNext, seconds(b.NextFreeAt), project)
	}
}

// aside is the state of a lane without a holder, and of jobs aside.
const aside = "aside"

// laneSum sums up the lanes of a volume.
type laneSum struct {
	lanes, jobs map[string]int       // by state
	oldest      map[string]time.Time // start of the oldest turn, by state
}

func collectLanes(out chan<- prometheus.Metric, lanes []jobs.LaneInfo) {
	sums := map[string]*laneSum{} // by volume
	for _, l := range lanes {
		volume, _, _ := strings.Cut(l.Database, "/")
		if sums[volume] == nil {
			sums[volume] = &laneSum{lanes: map[string]int{}, jobs: map[string]int{}, oldest: map[string]time.Time{}}
		}
		s, state := sums[volume], string(l.State)
		if state == "" {
			state = aside
		}
		s.lanes[state]++
		s.jobs[string(jobs.StateWaiting)] += l.Waiting
		s.jobs[aside] += l.Aside
		if at, ok := s.oldest[state]; !l.Since.IsZero() && (!ok || l.Since.Before(at)) {
			s.oldest[state] = l.Since
		}
	}
	for volume, s := range sums {
		for _, state := range []string{string(jobs.StateRunning), string(jobs.StateQueued), aside} {
			set(out, lanesNow, float64(s.lanes[state]), volume, state)
		}
		for state, n := range s.jobs {
			set(out, laneJobs, float64(n), volume, state)
		}
		for state, at := range s.oldest {
			set(out, turnOldest, seconds(at), volume, state)
		}
	}
}

// seconds returns Unix time, 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
