// Package workspace joins a Mixpanel project to a database file: it plans which days to ask for, downloads them into a
// spool, and loads them. It knows neither jobs nor queues.
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
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// Project says how a Mixpanel project counts time.
type Project struct {
	ID       int64
	Location *time.Location // the project's time zone; nil means UTC

	// Shifted is true for projects from before 2023: they take dates in their zone and store the wall clock of that
	// zone as if it were UTC. Others take and store UTC (Mixpanel's documentation of project time zones).
	Shifted bool
}

func (p Project) location() *time.Location {
	if p.Location == nil {
		return time.UTC
	}
	return p.Location
}

// Today returns the date in the project's zone: the last one that Mixpanel can be asked for.
func (p Project) Today(now time.Time) day.Day { return day.Of(now.In(p.location())) }

// dayEnd returns the moment from which no event of d can happen any more.
func (p Project) dayEnd(d day.Day) time.Time {
	if p.Shifted {
		return (d + 1).Start(p.location())
	}
	return (d + 1).Start(time.UTC)
}

// zone returns the zone in which "time" has to be read, nil for UTC.
func (p Project) zone() *time.Location {
	if p.Shifted {
		return p.location()
	}
	return nil
}

// source is what a workspace needs of Mixpanel; [mixpanel.Client] is one.
type source interface {
	Parts(r mixpanel.ExportRequest) ([]mixpanel.ExportRequest, error)
	Export(ctx context.Context, r mixpanel.ExportRequest) (*mixpanel.Body, error)
	EventNames(ctx context.Context, project int64, limit int) ([]string, error)
	Segmentation(ctx context.Context, r mixpanel.SegmentationRequest) (mixpanel.Segmentation, error)
	FunnelList(ctx context.Context, project int64) ([]mixpanel.SavedFunnel, error)
	Funnel(ctx context.Context, r mixpanel.FunnelRequest) ([]mixpanel.FunnelPeriod, error)
}

// budget is what a workspace asks before each request, if it has one. Acquire returns an error with a method
// RetryAt() time.Time where the request has to wait; the workspace then comes to an end with a [PauseError]. release
// says that the request has ended. Heard tells what Mixpanel said: that it takes left more requests until a time, 0
// when it has refused one.
type budget interface {
	Acquire(ctx context.Context, project int64) (release func(), err error)
	Heard(ctx context.Context, project int64, left int, until time.Time)
}

// observer hears of windows of a project that were committed: the bytes are those of the answer, as they were sent.
type observer interface {
	WindowLoaded(project, rows, bytes int64, took time.Duration)
}

// Config says what a workspace works on. Project.ID is needed.
type Config struct {
	Project Project

	// Database says where events go, and whether they may; a persistent one without a path is [DefaultPath].
	Database storage.Config

	// OpenPerLoad opens the database for each load and lets others in between, as a worker does. Without it the database is
	// opened by the first method that needs it, and kept open, and everybody else out of it, until Close.
	OpenPerLoad bool

	// SpoolDir is where responses wait until they are loaded; for one fetch at a time, made and removed by it. "" is a
	// directory of its own in the temporary directory.
	SpoolDir string

	Downloads int                 // at once; 0 means 4
	Loads     *semaphore.Weighted // bounds the loads of several workspaces; nil means that one of this workspace runs at a time

	// LookbackDays is how long Mixpanel completes a day after it is over; 0 means 5, the time for which its SDKs keep
	// events that they could not send.
	LookbackDays int

	Budget budget // shared by all who export from the project; nil means that nobody counts

	// RepeatBudget lends the requests that repeat failed ones, so that a fetch that keeps failing leaves some to others; nil
	// means Budget.
	RepeatBudget budget

	WindowDays int // of the longest window; 0 means 30

	RequestsPerHour int // that the budget allows the project, for plans; 0 means that nobody counts

	Observer observer // hears of each window that is committed; nil means that nobody does

	WindowTries int           // of a single day, before it is given up; 0 means 3
	RetryDelay  time.Duration // before a window is asked again, doubled each time; 0 means 1 s

	Now func() time.Time // nil means time.Now
}

// Workspace is a project and its database. It opens the database only when it is needed. Its methods are safe for
// concurrent use, but for one fetch at a time.
//
// Several workspaces of one process may share a file, those that only read with each other and those that may write with
// each other. A workspace that reads and one that writes keep each other out as two processes do: [storage.ErrLocked].
type Workspace struct {
	cfg     Config
	source  source
	log     *slog.Logger
	session session
}

// DefaultPath returns where the database of a project is if nobody says: ~/.mp/data/<id>.db.
func DefaultPath(project int64) (string, error) {
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".mp", "data", strconv.FormatInt(project, 10)+".db"), err
}

// New returns a workspace; it opens nothing.
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
		cfg.Downloads = 4
	}
	if cfg.Loads == nil {
		cfg.Loads = semaphore.NewWeighted(1)
	}
	if cfg.LookbackDays == 0 {
		cfg.LookbackDays = 5
	}
	if cfg.WindowDays == 0 {
		cfg.WindowDays = maxWindowDays
	}
	if cfg.WindowTries == 0 {
		cfg.WindowTries = 3
	}
	if cfg.RetryDelay == 0 {
		cfg.RetryDelay = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Workspace{cfg: cfg, source: source, log: log, session: session{cfg: cfg.Database}}, nil
}
