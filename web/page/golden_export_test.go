package page

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

// made is a queue with made-up content, and sessions beside it. Methods that views do not call are missing.
type made struct {
	Queue
	Sessions

	now time.Time
}

// madeSchedules are the schedules of a made queue.
type madeSchedules struct {
	Schedules

	of made
}

const (
	madeFailed, madeRunning, madeDone, madeAnswer = "01M8JAFAILED", "01M8JARUNNING", "01M8JADONE", "01M8JAANSWER"

	madeDatabase = "eu/shop.db"
	hostile      = `<b>"x"</b>`
)

func (m made) jobs() map[string]jobs.Record {
	first := day.New(2026, time.November, 1)
	base := jobs.Record{
		Kind: jobs.KindFetch, Project: "12345", Database: madeDatabase, Worker: "w1", MaxAttempts: 5, CreatedAt: m.now.Add(-2 * time.Hour), StartedAt: m.now.Add(-2 * time.Hour),
		Fetch: jobs.Fetch{Project: "shop", Database: madeDatabase, Table: "events", Days: day.Range{From: first, To: first + 26}, Mode: jobs.ModeSync},
	}
	failed, running, done, answer := base, base, base, base
	failed.ID, failed.State, failed.FinishedAt, failed.Attempt = madeFailed, jobs.StateFailed, m.now.Add(-time.Hour), 5
	failed.Failure = &jobs.Failure{Code: "auth", Message: "401 " + hostile, Hint: "check the secret", At: m.now.Add(-time.Hour)}
	running.ID, running.State, running.Attempt, running.Schedule = madeRunning, jobs.StateRunning, 1, "morning"
	running.Progress = jobs.Progress{WindowsDone: 3, WindowsTotal: 9, Rows: 1_234_567, Bytes: 88_000_000, Requests: 4, Trouble: "the answer was cut off"}
	done.ID, done.State, done.Attempt, done.FinishedAt = madeDone, jobs.StateDone, 1, m.now.Add(-90*time.Minute)
	done.Progress = jobs.Progress{WindowsDone: 9, WindowsTotal: 9, Rows: 27_000, Bytes: 2_000_000, Requests: 9, Added: 12}
	answer.ID, answer.Kind, answer.State, answer.FinishedAt = madeAnswer, jobs.KindQuery, jobs.StateDone, m.now
	answer.Query = jobs.Query{Database: madeDatabase, SQL: "SELECT $a AS text", Params: map[string]string{"a": hostile}, Format: jobs.FormatJSONL, Attended: true}
	answer.Result = &jobs.Result{Columns: []jobs.Column{{Name: "text", Type: "VARCHAR"}, {Name: "n", Type: "BIGINT"}}, Rows: 2, Bytes: 50, Expires: m.now.Add(time.Hour)}
	return map[string]jobs.Record{madeFailed: failed, madeRunning: running, madeDone: done, madeAnswer: answer}
}

func (m made) Job(_ context.Context, id string) (jobs.Record, error) {
	job, ok := m.jobs()[id]
	if !ok {
		return job, jobs.ErrNoJob
	}
	return job, nil
}

func (m made) JobsOf(context.Context, []string) (map[string]jobs.Record, error) { return m.jobs(), nil }

func (m made) List(_ context.Context, f queue.Filter) ([]jobs.Record, error) {
	all := m.jobs()
	if f.State == jobs.StatePaused {
		return nil, nil
	}
	return []jobs.Record{all[madeRunning], all[madeDone], all[madeFailed]}, nil
}

func (m made) AttemptsOf(_ context.Context, ids []string) (map[string][]jobs.PastAttempt, error) {
	if len(ids) != 1 || ids[0] != madeFailed {
		return nil, nil
	}
	return map[string][]jobs.PastAttempt{madeFailed: {{
		Number: 1, Started: m.now.Add(-2 * time.Hour), Ended: m.now.Add(-time.Hour), Worker: "w1", Outcome: jobs.AttemptFailed, Message: "401 " + hostile,
	}}}, nil
}

func (m made) Windows(_ context.Context, id string) ([]jobs.WindowState, error) {
	if id != madeRunning {
		return nil, nil
	}
	first := day.New(2026, time.November, 4)
	return []jobs.WindowState{{Days: day.Range{From: first, To: first + 2}, Phase: jobs.WindowRepeating, Tries: 2, Error: hostile, At: m.now.Add(-time.Minute)}}, nil
}

func (made) OpenResult(context.Context, jobs.Record) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(`{"text":"<b>\"x\"</b>","n":9007199254740993}` + "\n" + `{"text":null,"n":0}` + "\n")), nil
}

func (m made) SavedQuestions(context.Context) ([]jobs.SavedQuestion, error) {
	return []jobs.SavedQuestion{{Name: hostile, Database: madeDatabase, SQL: "SELECT 1"}}, nil
}

func (made) Projects(context.Context) ([]jobs.ProjectInfo, error) { return madeProjects(), nil }

func (made) Count(context.Context) (int64, error) { return 2, nil }

func (s madeSchedules) Get(context.Context, string, time.Time) (schedule.State, error) {
	return s.of.schedule(), nil
}

func (madeSchedules) History(context.Context, string) ([]schedule.Tick, error) { return nil, nil }

func madeProjects() []jobs.ProjectInfo {
	return []jobs.ProjectInfo{{Name: "shop", ID: 12345, Zone: "Europe/Berlin", Database: madeDatabase}}
}

func (m made) schedule() schedule.State {
	return schedule.State{CreatedAt: m.now.Add(-999 * time.Hour), Schedule: jobs.Schedule{
		Name: "morning", Project: "12345", ProjectZone: "Europe/Berlin", Zone: "Europe/Berlin", Cron: "15 6 * * *", Database: madeDatabase, Table: "events", Lookback: 5, Mode: jobs.ModeSync,
	}}
}

// look has a table with all states of days, one that fails, and one without days.
func (m made) look(context.Context, *Backend) (*look, error) {
	last := day.New(2026, time.November, 27)
	days := jobs.Days{
		{Day: last - 5, State: jobs.DayUnavailable},
		{Day: last - 4, State: jobs.DayComplete, Rows: 900, Changed: true},
		{Day: last - 3, State: jobs.DayMissing},
		{Day: last - 2, State: jobs.DayComplete},
		{Day: last - 1, State: jobs.DayComplete, Rows: 1200, Quarantined: true},
		{Day: last, State: jobs.DayPartial, Rows: 17},
	}
	first, complete := last-4, last-1
	s := status.Survey{
		Projects: madeProjects(), Schedules: []schedule.State{m.schedule()}, Days: map[string]map[string]jobs.Days{madeDatabase: {"events": days}}, MaxLag: status.DefaultMaxLag, Now: m.now, All: true,
		Tables: []jobs.TableState{
			{Project: "shop", Database: madeDatabase, Table: "events", Rows: 2117, First: &first, LastComplete: &complete, Complete: 3, Partial: 1, Unavailable: 1, Missing: 1, Quarantined: 2, FileBytes: 48_000_000, FetchedAt: m.now, Job: madeDone},
			{Project: "shop", Database: madeDatabase, Table: hostile, Job: madeFailed, Failing: []jobs.FailingDays{{Days: day.Range{From: last, To: last}, Message: "401 " + hostile}}, Failure: m.jobs()[madeFailed].Failure},
			{Project: "shop", Database: madeDatabase, Table: "profiles", Type: "profiles", Rows: 40, FetchedAt: m.now.Add(-time.Hour)},
		},
	}
	return &look{
		at: m.now, tables: s.Judge(), schedules: s.Schedules, days: s.Days, projects: s.Projects, names: map[string]string{"12345": "shop"},
		workers: []jobs.WorkerInfo{{ID: "w1", Host: "host", PID: 7, Version: "v1.2.3", Volumes: []jobs.Volume{{Name: "eu"}}, Started: m.now.Add(-time.Hour), Disks: map[string]jobs.Disk{"eu": {Free: 1e9, Size: 500e9}}}},
		lanes:   []jobs.LaneInfo{}, counts: map[jobs.State]int{jobs.StateRunning: 1, jobs.StateDone: 1, jobs.StateFailed: 1}, running: []jobs.Record{m.jobs()[madeRunning]},
		budgets: []projectBudget{{Project: "shop", Left: 9, Limit: 54, RefillsAt: m.now.Add(time.Minute)}},
	}, nil
}

var (
	versions = regexp.MustCompile(`\?v=[0-9a-f]+`)
	bundles  = regexp.MustCompile(`\n<script type="module"[^\n]*`)
)

// Golden returns the HTML of each view for a made-up state, by name, without what depends on static files.
func Golden() (map[string]string, error) {
	m := made{now: time.Date(2026, time.November, 28, 9, 30, 0, 0, time.UTC)}
	p := New(Config{Mode: Full, Version: "v1.2.3", Now: func() time.Time { return m.now }}, slog.New(slog.DiscardHandler))
	p.looks.look = m.look
	p.Connect(Backend{Queue: m, Schedules: madeSchedules{of: m}, Sessions: m, Settings: []Setting{{Key: "http.listen", Value: "127.0.0.1:6493", Origin: "default"}}})
	all := map[string]string{}
	for name, one := range map[string]struct {
		view *view
		path string
	}{
		"overview": {overviewView, "/"}, "tables": {tablesView, "/tables"}, "table": {tableView, "/table?database=eu/shop.db&table=events&day=2026-11-23"},
		"table-keyed": {tableView, "/table?database=eu/shop.db&table=profiles"}, "jobs": {jobsView, "/jobs"}, "job-failed": {jobView, "/jobs/" + madeFailed},
		"job-running": {jobView, "/jobs/" + madeRunning}, "schedules": {schedulesView, "/schedules"}, "schedule": {scheduleView, "/schedules/morning"},
		"schedule-add": {addScheduleView, "/schedules/-/add"}, "ask": {askView, "/ask?question=breakdown&p.event=Purchase"}, "answer": {answerView, "/ask/" + madeAnswer}, "settings": {settingsView, "/settings"},
	} {
		r := httptest.NewRequest(http.MethodGet, one.path, http.NoBody)
		r.Header.Set("Accept", "text/html")
		r.SetPathValue("id", one.path[strings.LastIndexByte(one.path, '/')+1:])
		r.SetPathValue("name", "morning")
		answer := httptest.NewRecorder()
		p.show(one.view).ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			return nil, fmt.Errorf("%s: %d, %s", name, answer.Code, answer.Body)
		}
		all[name] = bundles.ReplaceAllString(versions.ReplaceAllString(answer.Body.String(), "?v=…"), "")
		if _, main, ok := strings.Cut(all[name], "<main id"); ok && name != "overview" { // the layout is the same
			all[name], _, _ = strings.Cut("<main id"+main, "<footer>")
		}
	}
	return all, nil
}
