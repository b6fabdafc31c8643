// Package config turns a file, the environment and flags into validated settings. It knows every setting's one name; what a
// setting means is the business of those who take it.
package config

import (
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"mixduck/internal/defaults"
	"mixduck/internal/secret"
)

// Config holds all settings, valid and with their defaults filled in.
type Config struct {
	File      string   // that was read; "" if none was
	DataDir   string   // absolute; Mixduck's own files are in .mixduck below it
	Volumes   []Volume // directories of databases, at least one; main is DataDir where none are set
	Redis     Redis
	Projects  []Project  // those of the file; if it has none, that of the MP_* variables, if these name one
	Fallback  Project    // what the MP_* variables say, which is also what projects of the file are not told; ID 0 if they name none
	Schedules []Schedule // of the file
	Mixpanel  Mixpanel
	Worker    Worker
	Query     Query
	Jobs      Jobs
	Retention Retention
	HTTP      HTTP
	Log       Log

	named  bool    // the projects are those of the file
	values []Value // all of this, as text
}

// Volume is a directory of databases, which has a name.
type Volume struct {
	Name string
	Dir  string // absolute
}

// Redis says where the queue lives.
type Redis struct {
	URL           secret.String // redis://, rediss:// or unix://; empty means the embedded queue in DataDir
	AllowEviction bool          // work on a Redis that may delete any key

	CAFile string // certificates, in PEM, that vouch for a rediss:// server in the place of the system's; "" for these
}

// Mixpanel says how its API is reached.
type Mixpanel struct {
	BaseURL          string // replaces Mixpanel's hosts; "" for these
	RequestsPerHour  int    // of a project, by all workers; 0 means that they are not counted
	FirstByteTimeout time.Duration
	IdleTimeout      time.Duration
}

// Worker bounds what a worker does.
type Worker struct {
	Concurrency  int           // jobs at once
	DrainTimeout time.Duration // for jobs to end by themselves after the first signal
	RetryBackoff time.Duration // before a job's second attempt; doubled each time
	MemoryLimit  int64         // bytes for DuckDB's buffers, a load
	LockWait     time.Duration // for a database that another program holds
}

// Query bounds what queries do.
type Query struct {
	Concurrency int           // at once
	MemoryLimit int64         // bytes for DuckDB, a query
	MaxResult   int64         // bytes of a result
	Timeout     time.Duration // of a query that is given none
}

// Jobs is what jobs are submitted with.
type Jobs struct {
	MaxAttempts int // before a job that fails is given up
}

// Retention says how long what nobody may need any more is kept.
type Retention struct {
	Jobs    time.Duration // records of jobs that have ended
	Results time.Duration // rows that queries have found
}

// HTTP says where a worker tells of its health.
type HTTP struct {
	Listen string        // host:port; "" for nowhere
	Asked  bool          // somebody has set Listen; otherwise another port will do
	Token  secret.String // that callers have to show; empty if none is set
	Hosts  []string      // names by which callers without a token may ask, besides those of the loopback interface
	Pprof  string        // host:port of profiles; "" for nowhere
}

// Log says what is logged, and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// newConfig returns the defaults of all settings.
func newConfig(home string) Config {
	return Config{
		DataDir:  filepath.Join(home, ".mp", "data"),
		Fallback: Project{Region: "us", Location: time.UTC},
		Mixpanel: Mixpanel{RequestsPerHour: unset, FirstByteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute},
		Worker: Worker{
			Concurrency: 4, DrainTimeout: 20 * time.Second, RetryBackoff: 5 * time.Second,
			MemoryLimit: 512e6, LockWait: time.Minute,
		},
		Query:     Query{Concurrency: 4, MemoryLimit: 1e9, MaxResult: 16e9, Timeout: 10 * time.Minute},
		Jobs:      Jobs{MaxAttempts: defaults.MaxAttempts},
		Retention: Retention{Jobs: 90 * 24 * time.Hour, Results: 24 * time.Hour},
		HTTP:      HTTP{Listen: defaultListen},
		Log:       Log{Level: "info", Format: "text"},
	}
}

const (
	defaultVolume = "main"

	unset = -1

	defaultListen = "127.0.0.1:6493" // MIXD on a telephone

	// DefaultRequestsPerHour are those of the 60 an hour that Mixpanel allows which Mixduck takes; the rest is for the
	// customer's other tools.
	DefaultRequestsPerHour = 54
)

// finish resolves what depends on other settings and on the machine.
func (c *Config) finish() (err error) {
	if c.Mixpanel.RequestsPerHour == unset {
		c.Mixpanel.RequestsPerHour = DefaultRequestsPerHour
		if c.Mixpanel.BaseURL != "" { // nobody knows what it allows
			c.Mixpanel.RequestsPerHour = 0
		}
	}
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return err
	}
	if len(c.Volumes) == 0 {
		c.Volumes = []Volume{{Name: defaultVolume, Dir: c.DataDir}}
	}
	c.Worker.Concurrency = min(c.Worker.Concurrency, 64*runtime.NumCPU())
	return nil
}

// VolumeDir returns the directory of a volume, "" if there is none of that name here.
func (c *Config) VolumeDir(name string) string {
	i := slices.IndexFunc(c.Volumes, func(v Volume) bool { return v.Name == name })
	if i < 0 {
		return ""
	}
	return c.Volumes[i].Dir
}

// QueueDir returns where the embedded queue keeps its files.
func (c *Config) QueueDir() string { return filepath.Join(c.DataDir, ".mixduck", "queue") }

// QueueCopy returns the file in which a worker keeps a copy of what only the queue knows.
func (c *Config) QueueCopy(worker string) string {
	return filepath.Join(c.DataDir, ".mixduck", "queue-copy-"+worker+".json")
}

// SpoolDir returns where responses wait to be loaded.
func (c *Config) SpoolDir() string { return filepath.Join(c.DataDir, ".mixduck", "spool") }
