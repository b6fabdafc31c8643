// Package workspace connects a Mixpanel project to a database file: it plans which days to request, downloads them
// into a spool, and loads them. It does not know jobs or queues.
package workspace

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"mixduck/internal/day"
	"mixduck/internal/defaults"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// Project says how a Mixpanel project measures time.
type Project struct {
	ID       int64
	Location *time.Location // the project's time zone; nil means UTC

	// Shifted is true for projects created before 2023: they take dates in their time zone and store that zone's
	// wall-clock time as if it were UTC. Others take and store UTC. Source: Mixpanel's documentation of project time
	// zones.
	Shifted bool
}

func (p Project) location() *time.Location {
	if p.Location == nil {
		return time.UTC
	}
	return p.Location
}

// Today returns the current date in the project's time zone, the last one that can be requested.
func (p Project) Today(now time.Time) day.Day { return day.Of(now.In(p.location())) }

// dayEnd returns the moment after which no event can happen on d.
func (p Project) dayEnd(d day.Day) time.Time {
	if p.Shifted {
		return (d + 1).Start(p.location())
	}
	return (d + 1).Start(time.UTC)
}

// zone returns the zone in which "time" is read, nil for UTC.
func (p Project) zone() *time.Location {
	if p.Shifted {
		return p.location()
	}
	return nil
}

// source is what a workspace needs from Mixpanel; [mixpanel.Client] implements it.
type source interface {
	asked

	Parts(r mixpanel.ExportRequest) ([]mixpanel.ExportRequest, error)
	Export(ctx context.Context, r mixpanel.ExportRequest) (*mixpanel.Body, error)
	EventNames(ctx context.Context, project int64, limit int) ([]string, error)
	Segmentation(ctx context.Context, r mixpanel.SegmentationRequest) (mixpanel.Segmentation, error)
	FunnelList(ctx context.Context, project int64) ([]mixpanel.SavedFunnel, error)
	Funnel(ctx context.Context, r mixpanel.FunnelRequest) ([]mixpanel.FunnelPeriod, error)

	CountsParts(r mixpanel.CountsRequest) ([]mixpanel.CountsRequest, error)
	EventCounts(ctx context.Context, r mixpanel.CountsRequest) (mixpanel.Segmentation, error)

	EngagePage(ctx context.Context, q mixpanel.EngageQuery) (*mixpanel.Body, error)
	Cohorts(ctx context.Context, project int64) ([]mixpanel.Cohort, error)
	Annotations(ctx context.Context, project int64, days day.Range) ([]mixpanel.Annotation, error)
	Lexicon(ctx context.Context, project int64) ([]mixpanel.LexiconEntry, error)
}

// budget is asked before each request. If a request must wait, Acquire returns an error with a method RetryAt()
// time.Time; the workspace then returns a [PauseError]. release reports the end of the request. Heard reports
// Mixpanel's own limit: it accepts left more requests until a time, or 0 after it refused one.
type budget interface {
	Acquire(ctx context.Context, project int64) (release func(), err error)
	Heard(ctx context.Context, project int64, left int, until time.Time)
}

// observer is told about the committed windows of a project. bytes is the size of the response as it was sent.
type observer interface {
	WindowLoaded(project, rows, bytes int64, took time.Duration)
}

// Config configures a workspace. Project.ID is required.
type Config struct {
	Project Project

	// Database configures the database. A persistent one without a path uses [DefaultPath].
	Database storage.Config

	// Model says that fetches also create and extend the typed views; see [Workspace.UpdateModel].
	Model bool

	// OpenPerLoad opens the database only during each load, so that others can use it in between, as a worker does.
	// Otherwise the first method that needs the database opens it, and it stays open and locked until Close.
	OpenPerLoad bool

	// SpoolDir is where responses wait to be loaded. Each fetch creates and removes it, so only one fetch at a time
	// can use it. "" means a new temporary directory.
	SpoolDir string

	Downloads int                 // parallel downloads; 0 means 4
	Loads     *semaphore.Weighted // limits the loads of several workspaces; nil means one at a time in this workspace

	// LookbackDays is the number of days during which Mixpanel still adds events to a past day. 0 means 5: its SDKs
	// keep unsent events for 5 days.
	LookbackDays int

	Budget budget // shared by all exports of the project; nil means no limit

	// RepeatBudget is the budget for repeated requests, so that a failing fetch leaves requests to others; nil means
	// Budget.
	RepeatBudget budget

	// QueryBudget is the budget of the Query API, shared by all processes; nil means no limit. A query for profiles
	// costs one request: only page 0 counts.
	QueryBudget budget

	// LexiconBudget is the budget of Lexicon, shared by all processes; nil means no limit.
	LexiconBudget budget

	WindowDays int // maximum days per window; 0 means 30

	RequestsPerHour int // the project's request budget, for plans; 0 means no limit

	Observer observer // is told about each committed window; may be nil

	WindowTries int           // tries of a single day before the fetch gives up on it; 0 means 3
	RetryDelay  time.Duration // delay before a window is requested again, doubled each time; 0 means 1 s

	Now func() time.Time // nil means time.Now
}

// Workspace is a project and its database. It opens the database only when it is needed. Its methods are safe for
// concurrent use, but only one fetch can run at a time.
//
// Several workspaces of one process can share a file if all of them only read, or all of them may write. A workspace
// that reads and one that writes lock each other out, like two processes: [storage.ErrLocked].
type Workspace struct {
	cfg     Config
	source  source
	log     *slog.Logger
	session session
}

// DefaultPath returns the default path of a project's database: ~/.mp/data/<id>.db.
func DefaultPath(project int64) (string, error) {
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".mp", "data", strconv.FormatInt(project, 10)+".db"), err
}

const (
	defaultDownloads   = 4
	defaultWindowTries = 3
)

// New returns a workspace. It opens nothing.
func New(cfg Config, source source, log *slog.Logger) (*Workspace, error) {
	if cfg.Project.ID <= 0 {
		return nil, fault.Usage("set MP_PROJECT_ID", "a workspace needs a project id")
	}
	if cfg.OpenPerLoad && cfg.Database.Mode != storage.Persistent {
		return nil, fault.Usage("set OpenPerLoad to false", "OpenPerLoad needs a persistent database: a temporary one must stay open")
	}
	if cfg.Database.Mode == storage.Persistent && cfg.Database.Path == "" {
		path, err := DefaultPath(cfg.Project.ID)
		if err != nil {
			return nil, err
		}
		cfg.Database.Path = path
	}
	if cfg.SpoolDir == "" {
		cfg.SpoolDir = filepath.Join(os.TempDir(), "mixduck-spool-"+rand.Text())
	}
	if cfg.Downloads == 0 {
		cfg.Downloads = defaultDownloads
	}
	if cfg.Loads == nil {
		cfg.Loads = semaphore.NewWeighted(1)
	}
	if cfg.LookbackDays == 0 {
		cfg.LookbackDays = defaults.Lookback
	}
	if cfg.WindowDays == 0 {
		cfg.WindowDays = maxWindowDays
	}
	if cfg.WindowTries == 0 {
		cfg.WindowTries = defaultWindowTries
	}
	if cfg.RetryDelay == 0 {
		cfg.RetryDelay = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Workspace{cfg: cfg, source: source, log: log, session: session{cfg: cfg.Database}}, nil
}
