// Package config turns flags and environment into validated settings. It knows every setting's one name; what a setting
// means is the business of those who take it.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mixduck/internal/fault"
	"mixduck/internal/secret"
)

// Config holds all settings, valid and with their defaults filled in.
type Config struct {
	DataDir  string   // absolute; Mixduck's own files are in .mixduck below it
	Volumes  []Volume // directories of databases, at least one; main is DataDir where none are set
	Redis    Redis
	Project  Project
	Mixpanel Mixpanel
	Worker   Worker
	Query    Query
	Jobs     Jobs
	HTTP     HTTP
	Log      Log
}

// Volume is a directory of databases, which has a name.
type Volume struct {
	Name string
	Dir  string // absolute
}

// Redis says where the queue lives.
type Redis struct {
	URL secret.String // redis://, rediss:// or unix://; empty means the embedded queue in DataDir
}

// Project is the one project of an environment without a configuration file.
type Project struct {
	ID       int64 // 0 if none is set
	Region   string
	Location *time.Location
	Shifted  bool // it stores its wall clock as "time", as projects from before 2023 do
	Username string
	Secret   secret.String
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

// HTTP says where a worker tells of its health.
type HTTP struct {
	Listen string        // host:port; "" for nowhere
	Token  secret.String // that callers have to show; empty if none is set
	Pprof  string        // host:port of profiles; "" for nowhere
}

// Log says what is logged, and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// defaults returns the settings that nobody has set.
func defaults(getenv func(string) string) Config {
	home := getenv("HOME")
	if home == "" {
		home = "."
	}
	return Config{
		DataDir:  filepath.Join(home, ".mp", "data"),
		Project:  Project{Region: "us", Location: time.UTC},
		Mixpanel: Mixpanel{RequestsPerHour: unset, FirstByteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute},
		Worker: Worker{
			Concurrency: 4, DrainTimeout: 20 * time.Second, RetryBackoff: 5 * time.Second,
			MemoryLimit: 512 << 20, LockWait: time.Minute,
		},
		Query: Query{Concurrency: 4, MemoryLimit: 1e9, MaxResult: 16e9, Timeout: 10 * time.Minute},
		Jobs:  Jobs{MaxAttempts: 5},
		HTTP:  HTTP{Listen: "127.0.0.1:8080"},
		Log:   Log{Level: "info", Format: "text"},
	}
}

// settingFlag marks the flags that are settings: a command may have another of the same name.
const settingFlag = "mixduck_setting"

// Flags adds the flags of the named settings to set: a command shows those that it heeds. Their values count only if they
// are given.
func Flags(set *pflag.FlagSet, keys ...string) {
	for _, s := range settings() {
		if s.flag != "" && slices.Contains(keys, s.key) {
			set.String(s.flag, "", s.usage+" ("+s.env+")")
			set.Lookup(s.flag).Annotations = map[string][]string{settingFlag: nil}
		}
	}
}

// Load reads the settings: a flag beats the environment, which beats the default. environ is as [os.Environ] returns it.
// It returns all problems at once, as errors with code [fault.CodeUsage]; an unknown variable of ours is one.
func Load(environ []string, flags *pflag.FlagSet) (Config, error) {
	env := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	cfg := defaults(func(k string) string { return env[k] })
	known := map[string]bool{}
	var problems []error
	for _, s := range settings() {
		known[s.env], known[s.env+"_FILE"] = true, s.secret
		value, origin, err := s.find(env, flags)
		if err == nil && origin != "" {
			err = s.set(&cfg, value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s (%s): %w", s.key, origin, err))
		}
	}
	for _, name := range unknown(env, known) {
		problems = append(problems, fmt.Errorf("%s: no such setting", name))
	}
	if err := cfg.finish(); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return Config{}, fault.Usage("see 'worker run --help' for the settings", "%w", errors.Join(problems...))
	}
	return cfg, nil
}

// unknown returns the variables with our prefix that name no setting.
func unknown(env map[string]string, known map[string]bool) []string {
	var names []string
	for name := range env {
		if strings.HasPrefix(name, "MIXDUCK_") && !known[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

const (
	defaultVolume = "main"

	unset           = -1
	requestsPerHour = 54 // of the 60 that Mixpanel allows: the rest is for the customer's other tools
)

// finish resolves what depends on other settings and on the machine.
func (c *Config) finish() (err error) {
	if c.Mixpanel.RequestsPerHour == unset {
		c.Mixpanel.RequestsPerHour = requestsPerHour
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

// SpoolDir returns where responses wait to be loaded.
func (c *Config) SpoolDir() string { return filepath.Join(c.DataDir, ".mixduck", "spool") }

// readSecret returns what a file of a secret holds, without the white space around it.
func readSecret(name string) (string, error) {
	b, err := os.ReadFile(name)
	return strings.TrimSpace(string(b)), err
}
