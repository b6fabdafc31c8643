// Package config turns a file, the environment and flags into validated settings. It knows the name of every setting;
// the packages that use the settings know what they mean.
package config

import (
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"mixduck/internal/defaults"
	"mixduck/internal/secret"
)

// Config holds all settings, validated and with defaults.
type Config struct {
	File      string   // the file that was read; "" for none
	DataDir   string   // absolute; Mixduck's own files are in its .mixduck directory
	Volumes   []Volume // directories of databases, at least one; by default only main, which is DataDir
	Redis     Redis
	Projects  []Project  // from the file; if it has none, from the MP_* variables, if they name one
	Fallback  Project    // from the MP_* variables, which also supply what projects in the file do not set; ID 0 if they name none
	Schedules []Schedule // from the file
	Mixpanel  Mixpanel
	Worker    Worker
	Query     Query
	Jobs      Jobs
	Retention Retention
	HTTP      HTTP
	Flight    Flight
	Lake      Lake
	Log       Log

	Authorities Authorities

	named  bool    // the projects are from the file
	values []Value // all settings, as text
}

// Volume is a named directory of databases.
type Volume struct {
	Name string
	Dir  string // absolute
}

// Redis configures the connection to the queue.
type Redis struct {
	URL           secret.String // redis://, rediss:// or unix://; empty means the embedded queue in DataDir
	AllowEviction bool          // accept a Redis that may delete any key

	CAFile string // PEM file with CA certificates for rediss://; "" for the system's
}

// Mixpanel configures access to Mixpanel's API.
type Mixpanel struct {
	BaseURL          string // replaces Mixpanel's hosts; "" for those
	RequestsPerHour  int    // per project, for all workers; 0 means that requests are not counted
	FirstByteTimeout time.Duration
	IdleTimeout      time.Duration
}

// Worker holds the limits of a worker.
type Worker struct {
	Concurrency  int           // concurrent jobs
	DrainTimeout time.Duration // how long jobs may continue after the first signal
	RetryBackoff time.Duration // before a job's second attempt; doubles each time
	MemoryLimit  int64         // bytes of DuckDB's buffers per load
	LockWait     time.Duration // how long to wait for a database that another program holds
}

// Query holds the limits of queries.
type Query struct {
	Concurrency int           // concurrent queries
	MemoryLimit int64         // bytes of DuckDB memory per query
	MaxResult   int64         // bytes per result
	Timeout     time.Duration // of queries that set none
}

// Jobs holds defaults for submitted jobs.
type Jobs struct {
	MaxAttempts int // before a failing job is given up
}

// Retention says how long data is kept.
type Retention struct {
	Jobs    time.Duration // records of finished jobs
	Results time.Duration // rows of queries
}

// HTTP configures a worker's health and metrics server.
type HTTP struct {
	Listen string        // host:port; "" for none
	Asked  bool          // Listen was set; otherwise another port may be used
	Token  secret.String // required from callers; empty for none
	Hosts  []string      // additional host names for requests without a token, besides those of the loopback interface
	Pprof  string        // host:port of the profiler; "" for none
	Page   string        // off, read or full
	Base   string        // path prefix of the page, for example /mixduck; "" for none
}

// Flight says where a worker serves Arrow Flight SQL.
type Flight struct {
	Listen   string        // host:port; "" for nowhere
	Token    secret.String // that clients have to send; empty if none is set
	CertFile string        // for TLS, in PEM; "" for none
	KeyFile  string        // of the certificate
}

// Log configures logging.
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
		Lake:      Lake{Publish: publishAfterSync, Retention: 3 * 24 * time.Hour},
		HTTP:      HTTP{Listen: defaultListen, Page: "full"},
		Log:       Log{Level: "info", Format: "text"},
	}
}

const (
	defaultVolume = "main"

	unset = -1

	defaultListen = "127.0.0.1:6493" // MIXD on a phone keypad

	// DefaultRequestsPerHour is the part of Mixpanel's 60 requests an hour that Mixduck uses. The rest is for the
	// customer's other tools.
	DefaultRequestsPerHour = 54
)

// finish sets what depends on other settings and on the machine.
func (c *Config) finish() (err error) {
	if c.Mixpanel.RequestsPerHour == unset {
		c.Mixpanel.RequestsPerHour = DefaultRequestsPerHour
		if c.Mixpanel.BaseURL != "" { // its limits are unknown
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

// VolumeDir returns the directory of a volume, or "" if there is no volume of that name.
func (c *Config) VolumeDir(name string) string {
	i := slices.IndexFunc(c.Volumes, func(v Volume) bool { return v.Name == name })
	if i < 0 {
		return ""
	}
	return c.Volumes[i].Dir
}

// VolumeOf returns the volume that contains a file, and the path of the file in it. ok is false if none does.
func VolumeOf(volumes []Volume, path string) (v Volume, rel string, ok bool) {
	for _, v := range volumes {
		if rel, err := filepath.Rel(v.Dir, path); err == nil && filepath.IsLocal(rel) {
			return v, rel, true
		}
	}
	return Volume{}, "", false
}

// QueueDir returns the directory of the embedded queue.
func (c *Config) QueueDir() string { return filepath.Join(c.DataDir, ".mixduck", "queue") }

// QueueCopy returns the file for a worker's copy of data that exists only in the queue.
func (c *Config) QueueCopy(worker string) string {
	return filepath.Join(c.DataDir, ".mixduck", "queue-copy-"+worker+".json")
}

// LakeSpoolDir returns the directory of files on their way to the lake.
func (c *Config) LakeSpoolDir() string { return filepath.Join(c.DataDir, ".mixduck", "lake") }

// SpoolDir returns the directory of responses that wait to be loaded.
func (c *Config) SpoolDir() string { return filepath.Join(c.DataDir, ".mixduck", "spool") }
