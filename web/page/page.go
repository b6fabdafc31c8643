// Package page is the web page of a worker. It shows the queue that all workers share and opens no database, so every worker
// shows the same. Pages are made by html/template and work without JavaScript.
package page

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"mixduck/internal/secret"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// Mode says what the page offers.
type Mode string

// The modes.
const (
	Off  Mode = "off"  // no page
	Read Mode = "read" // nothing can be changed
	Full Mode = "full" // jobs and schedules can be changed
)

// Config configures a page.
type Config struct {
	Mode    Mode
	Base    string        // path prefix behind a proxy, for example /mixduck; "" for none
	Token   secret.String // logs in, besides codes; zero for none
	Version string        // of the worker
	Now     func() time.Time
}

// Queue is the part of [queue.Queue] that the page uses.
type Queue interface {
	Counts(ctx context.Context) ([]jobs.StateCount, error)
	Lanes(ctx context.Context) ([]jobs.LaneInfo, error)
	List(ctx context.Context, f queue.Filter) ([]jobs.Record, error)
	Job(ctx context.Context, id string) (jobs.Record, error)
	JobsOf(ctx context.Context, ids []string) (map[string]jobs.Record, error)
	Workers(ctx context.Context) ([]jobs.WorkerInfo, error)
	Tables(ctx context.Context) ([]jobs.TableState, error)
	AllDays(ctx context.Context, databases []string) (map[string]map[string]jobs.Days, error)
	Projects(ctx context.Context) ([]jobs.ProjectInfo, error)
	Submit(ctx context.Context, r jobs.Request) (jobs.Record, error)
	Watch(ctx context.Context, id string, fn func(jobs.Record)) error
	Attend(ctx context.Context, id string)
	OpenResult(ctx context.Context, r jobs.Record) (io.ReadCloser, error)
	SavedQuestions(ctx context.Context) ([]jobs.SavedQuestion, error)
	SaveQuestion(ctx context.Context, s jobs.SavedQuestion) error
	RemoveQuestion(ctx context.Context, name string) error
	AttemptsOf(ctx context.Context, ids []string) (map[string][]jobs.PastAttempt, error)
	Windows(ctx context.Context, id string) ([]jobs.WindowState, error)
	Cancel(ctx context.Context, id string) (jobs.Record, error)
	Retry(ctx context.Context, id string) (jobs.Record, error)
}

// Schedules is the part of [schedule.Store] that the page uses.
type Schedules interface {
	List(ctx context.Context, now time.Time) ([]schedule.State, error)
	Get(ctx context.Context, name string, now time.Time) (schedule.State, error)
	History(ctx context.Context, name string) ([]schedule.Tick, error)
	Pause(ctx context.Context, name string, pause bool) (changed bool, err error)
	Run(ctx context.Context, name string) (jobs.Record, error)
	Add(ctx context.Context, s jobs.Schedule) error
	Remove(ctx context.Context, name string) error
}

// Budgets returns how many requests a project may still send; [budget.Budget] is one.
type Budgets interface {
	State(ctx context.Context, project string) (budget.State, error)
}

// Sessions is the part of [session.Store] that the page uses.
type Sessions interface {
	Redeem(ctx context.Context, code string) (bool, error)
	Start(ctx context.Context) (token string, err error)
	Valid(ctx context.Context, token string) (bool, error)
	Count(ctx context.Context) (int64, error)
	End(ctx context.Context, token string) error
	EndAll(ctx context.Context) error
	Remember(ctx context.Context, token, entry string) error
	Recent(ctx context.Context, token string) ([]string, error)
}

// Backend is what a page shows and changes.
type Backend struct {
	Queue     Queue
	Schedules Schedules
	Budgets   Budgets // nil if requests are not counted
	Sessions  Sessions
	Settings  []Setting
}

// Setting is a setting of the worker as the page shows it.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"` // never a secret
	Origin string `json:"origin"`
}

// Page serves the pages. Until [Page.Connect] is called it says that the worker is starting.
type Page struct {
	cfg     Config
	log     *slog.Logger
	backend atomic.Pointer[Backend]
	logins  *rate.Limiter // of failed logins, for all clients together
	looks   looks
	shared  sharedParts

	timelines timelines
	pictures  pictures
	seen      sightings    // sessions
	answered  atomic.Int64 // when the queue answered last, in nanoseconds; 0 for never
	streams   atomic.Int64 // that are open
	visits    visits
	names     nameStore
	closed    chan struct{}
	closing   sync.Once
}

// New returns a page.
func New(cfg Config, log *slog.Logger) *Page {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Page{cfg: cfg, log: log, logins: rate.NewLimiter(rate.Every(loginEvery), loginBurst), closed: make(chan struct{})}
	p.looks.look = p.look
	return p
}

// Path returns the path of the overview.
func (p *Page) Path() string { return p.cfg.Base + "/" }

// Connect lets the page show b.
func (p *Page) Connect(b Backend) { p.backend.Store(&b) }

// Close ends all live streams, and no longer waits for queries.
func (p *Page) Close() {
	p.closing.Do(func() {
		close(p.closed)
		p.visits.close()
	})
}

// Routes passes the handler of each pattern to handle. Patterns contain no host.
func (p *Page) Routes(handle func(pattern string, h http.Handler)) {
	base := p.cfg.Base
	get := func(path string, v *view) { handle("GET "+base+path, p.guarded(p.show(v))) }
	handle("GET "+base+"/static/{name}", p.policed(http.HandlerFunc(p.serveStatic)))
	handle("GET "+base+"/login", p.policed(http.HandlerFunc(p.showLogin)))
	handle("POST "+base+"/login", p.policed(http.HandlerFunc(p.login)))
	get("/{$}", overviewView)
	get("/tables", tablesView)
	get("/table", tableView)
	get("/jobs", jobsView)
	get("/jobs/{id}", jobView)
	get("/schedules", schedulesView)
	get("/schedules/{name}", scheduleView)
	get("/settings", settingsView)
	post := func(path string, h func(http.ResponseWriter, *http.Request, *Backend) error) {
		handle("POST "+base+path, p.guarded(p.change(maxForm, h)))
	}
	post("/logout", p.logout)
	if p.cfg.Mode == Full {
		post("/jobs/{action}", p.changeJobs)
		post("/jobs/{id}/cancel", p.cancelJob)
		post("/jobs/{id}/retry", p.retryJob)
		get("/schedules/-/add", addScheduleView) // no schedule is called -
		post("/schedules", p.addSchedule)
		post("/schedules/{name}/{action}", p.changeSchedule)
		post("/table/fetch", p.fetchAgain)
		post("/table/inspect", p.inspect)
		get("/ask", askView)
		get("/ask/{id}", answerView)
		handle("GET "+base+"/ask/completions", p.guarded(http.HandlerFunc(p.completions)))
		handle("POST "+base+"/ask", p.guarded(p.change(maxAskForm, p.ask)))
		post("/ask/{id}/cancel", p.cancelAsk)
		post("/ask/{id}/check", p.checkAnswer)
		post("/ask/saved/remove", p.removeQuestion)
		handle("GET "+base+"/ask/saved/export", p.guarded(http.HandlerFunc(p.exportQuestion)))
		post("/ask/{id}/download", p.download)
	}
}
