package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones have to be known in containers without them

	"github.com/spf13/pflag"

	"mixduck/internal/secret"
)

// setting is one thing that a person can set.
type setting struct {
	key    string // its name: redis.url
	env    string // MIXDUCK_REDIS_URL
	flag   string // redis-url; "" if it cannot be a flag
	usage  string
	secret bool // env + "_FILE" may name a file that holds it
	set    func(*Config, string) error
}

// settings returns all of them, in the order in which help shows them.
func settings() []setting {
	return []setting{
		{key: "data_dir", env: "MIXDUCK_DATA_DIR", flag: "data-dir", usage: "directory of the databases and the embedded queue; default ~/.mp/data", set: notEmpty(func(c *Config) *string { return &c.DataDir })},
		{key: "volumes", env: "MIXDUCK_VOLUMES", flag: "volumes", usage: "directories of databases, as main=/data,eu=/mnt/eu; default main=<data dir>", set: setVolumes},
		{key: "redis.url", env: "MIXDUCK_REDIS_URL", flag: "redis-url", usage: "Redis of the queue; without it the queue is embedded", secret: true, set: setRedisURL},
		{key: "project.id", env: "MP_PROJECT_ID", usage: "Mixpanel project id", set: setProjectID},
		{key: "project.region", env: "MP_REGION", usage: "us, eu or in; default us", set: oneOf(func(c *Config) *string { return &c.Project.Region }, "us", "eu", "in")},
		{key: "project.timezone", env: "MP_TIMEZONE", usage: "zone of the project, as Europe/Berlin; default UTC", set: setTimezone},
		{key: "project.time_encoding", env: "MP_TIME_ENCODING", usage: "utc, or shifted for projects from before 2023; default utc", set: setTimeEncoding},
		{key: "project.username", env: "MP_USERNAME", usage: "service account", set: notEmpty(func(c *Config) *string { return &c.Project.Username })},
		{key: "project.secret", env: "MP_SECRET", usage: "its secret", secret: true, set: setProjectSecret},
		{key: "mixpanel.base_url", env: "MIXDUCK_MIXPANEL_BASE_URL", flag: "mixpanel-base-url", usage: "replaces Mixpanel's hosts, for tests and proxies", set: notEmpty(func(c *Config) *string { return &c.Mixpanel.BaseURL })},
		{key: "mixpanel.requests_per_hour", env: "MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR", flag: "mixpanel-requests-per-hour", usage: "exports of a project by all workers, or off; default 54, and off with a base URL", set: setRequestsPerHour},
		{key: "mixpanel.first_byte_timeout", env: "MIXDUCK_MIXPANEL_FIRST_BYTE_TIMEOUT", flag: "mixpanel-first-byte-timeout", usage: "how long an export may take to begin; default 5m", set: positive(func(c *Config) *time.Duration { return &c.Mixpanel.FirstByteTimeout })},
		{key: "mixpanel.idle_timeout", env: "MIXDUCK_MIXPANEL_IDLE_TIMEOUT", flag: "mixpanel-idle-timeout", usage: "how long an export may be silent; default 2m", set: positive(func(c *Config) *time.Duration { return &c.Mixpanel.IdleTimeout })},
		{key: "worker.concurrency", env: "MIXDUCK_WORKER_CONCURRENCY", flag: "concurrency", usage: "jobs at once; default 4", set: count(func(c *Config) *int { return &c.Worker.Concurrency })},
		{key: "worker.drain_timeout", env: "MIXDUCK_WORKER_DRAIN_TIMEOUT", flag: "drain-timeout", usage: "for running jobs after the first signal; default 20s", set: positive(func(c *Config) *time.Duration { return &c.Worker.DrainTimeout })},
		{key: "jobs.max_attempts", env: "MIXDUCK_JOBS_MAX_ATTEMPTS", flag: "max-attempts", usage: "of a job that fails; default 5", set: count(func(c *Config) *int { return &c.Jobs.MaxAttempts })},
		{key: "worker.retry_backoff", env: "MIXDUCK_WORKER_RETRY_BACKOFF", flag: "retry-backoff", usage: "before the second attempt, doubled each time; default 5s", set: positive(func(c *Config) *time.Duration { return &c.Worker.RetryBackoff })},
		{key: "worker.memory_limit", env: "MIXDUCK_WORKER_MEMORY_LIMIT", flag: "memory-limit", usage: "for DuckDB while it loads, as 512MB; default 512MB", set: size(minMemory, func(c *Config) *int64 { return &c.Worker.MemoryLimit })},
		{key: "worker.lock_wait", env: "MIXDUCK_WORKER_LOCK_WAIT", flag: "lock-wait", usage: "for a database that another program holds; default 1m", set: positive(func(c *Config) *time.Duration { return &c.Worker.LockWait })},
		{key: "query.concurrency", env: "MIXDUCK_QUERY_CONCURRENCY", flag: "query-concurrency", usage: "queries at once; default 4", set: count(func(c *Config) *int { return &c.Query.Concurrency })},
		{key: "query.memory_limit", env: "MIXDUCK_QUERY_MEMORY_LIMIT", flag: "query-memory-limit", usage: "for DuckDB in a query, as 2GB; default 1GB", set: size(minMemory, func(c *Config) *int64 { return &c.Query.MemoryLimit })},
		{key: "query.max_result", env: "MIXDUCK_QUERY_MAX_RESULT", flag: "query-max-result", usage: "longest result on disk, as 1GB; default 16GB", set: size(1, func(c *Config) *int64 { return &c.Query.MaxResult })},
		{key: "query.timeout", env: "MIXDUCK_QUERY_TIMEOUT", flag: "query-timeout", usage: "of a query that is given none; default 10m", set: positive(func(c *Config) *time.Duration { return &c.Query.Timeout })},
		{key: "http.listen", env: "MIXDUCK_HTTP_LISTEN", flag: "http-listen", usage: "address of health and metrics, or off; default 127.0.0.1:8080", set: address(func(c *Config) *string { return &c.HTTP.Listen })},
		{key: "http.token", env: "MIXDUCK_HTTP_TOKEN", usage: "that http.listen asks for; needed where other machines reach it", secret: true, set: setHTTPToken},
		{key: "http.pprof", env: "MIXDUCK_HTTP_PPROF", flag: "http-pprof", usage: "address of profiles, of this machine only, or off; default off", set: address(func(c *Config) *string { return &c.HTTP.Pprof })},
		{key: "log.level", env: "MIXDUCK_LOG_LEVEL", flag: "log-level", usage: "debug, info, warn or error; default info", set: oneOf(func(c *Config) *string { return &c.Log.Level }, "debug", "info", "warn", "error")},
		{key: "log.format", env: "MIXDUCK_LOG_FORMAT", flag: "log-format", usage: "text or json; default text", set: oneOf(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	}
}

// find returns the value and where it comes from, "" if it is not set.
func (s setting) find(env map[string]string, flags *pflag.FlagSet) (value, origin string, err error) {
	if s.given(flags) {
		value, err = flags.GetString(s.flag)
		return value, "--" + s.flag, err
	}
	if v := env[s.env]; v != "" {
		return v, s.env, nil
	}
	if name := env[s.env+"_FILE"]; s.secret && name != "" {
		value, err = readSecret(name)
		return value, s.env + "_FILE", err
	}
	return "", "", nil
}

// given reports whether the setting's flag is there and set.
func (s setting) given(flags *pflag.FlagSet) bool {
	if s.flag == "" || flags == nil || !flags.Changed(s.flag) {
		return false
	}
	_, ours := flags.Lookup(s.flag).Annotations[settingFlag]
	return ours
}

func notEmpty(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if strings.TrimSpace(v) == "" {
			return errors.New("is empty")
		}
		*field(c) = v
		return nil
	}
}

func oneOf(field func(*Config) *string, allowed ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%q is none of %s", v, strings.Join(allowed, ", "))
		}
		*field(c) = v
		return nil
	}
}

func positive(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no duration like 90s or 5m", v)
		}
		*field(c) = d
		return nil
	}
}

func count(field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number from 1 on", v)
		}
		*field(c) = n
		return nil
	}
}

// volumeName is what the queue allows.
var volumeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

func setVolumes(c *Config, v string) error {
	for part := range strings.SplitSeq(v, ",") {
		name, dir, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || !volumeName.MatchString(name) || dir == "" {
			return fmt.Errorf("%q is no name=directory; names have lower-case letters, digits, - and _", part)
		}
		dir, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		for _, other := range c.Volumes {
			if other.Name == name || other.Dir == dir {
				return fmt.Errorf("%s=%s: the name or the directory is there twice", name, dir)
			}
		}
		c.Volumes = append(c.Volumes, Volume{Name: name, Dir: dir})
	}
	return nil
}

func setRedisURL(c *Config, v string) error {
	u, err := url.Parse(v)
	if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) { // the error would show the password
		return errors.New("is no redis://, rediss:// or unix:// URL")
	}
	c.Redis.URL = secret.New(v)
	return nil
}

func setProjectID(c *Config, v string) error {
	id, err := strconv.ParseInt(v, 10, 64)
	if err != nil || id <= 0 {
		return fmt.Errorf("%q is no project id: it is the number in the project's settings", v)
	}
	c.Project.ID = id
	return nil
}

func setProjectSecret(c *Config, v string) error {
	c.Project.Secret = secret.New(v)
	return nil
}

func setTimezone(c *Config, v string) error {
	loc, err := time.LoadLocation(v)
	if err != nil || v == "Local" {
		return fmt.Errorf("%q is no time zone like Europe/Berlin", v)
	}
	c.Project.Location = loc
	return nil
}

func setTimeEncoding(c *Config, v string) error {
	if v != "utc" && v != "shifted" {
		return fmt.Errorf("%q is none of utc, shifted", v)
	}
	c.Project.Shifted = v == "shifted"
	return nil
}

func setRequestsPerHour(c *Config, v string) error {
	if v == "off" {
		c.Mixpanel.RequestsPerHour = 0
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is neither a number from 1 on nor off", v)
	}
	c.Mixpanel.RequestsPerHour = n
	return nil
}

func setHTTPToken(c *Config, v string) error {
	if strings.TrimSpace(v) == "" {
		return errors.New("is empty")
	}
	c.HTTP.Token = secret.New(v)
	return nil
}

// address takes host:port, or off.
func address(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if v == "off" {
			*field(c) = ""
			return nil
		}
		_, port, err := net.SplitHostPort(v)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("%q is neither an address like 127.0.0.1:8080 nor off", v)
		}
		*field(c) = v
		return nil
	}
}

// minMemory is what a load or a query needs, in bytes.
const minMemory = 128_000_000

func size(least int64, field func(*Config) *int64) func(*Config, string) error {
	return func(c *Config, v string) error {
		digits := strings.TrimRight(v, "KMGBkmgb")
		factor := map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[strings.ToUpper(v[len(digits):])]
		n, err := strconv.ParseInt(digits, 10, 32)
		if err != nil || factor == 0 {
			return fmt.Errorf("%q is no size like 512MB or 2GB", v)
		}
		if n*factor < least {
			return fmt.Errorf("%s is too little: it takes %d bytes", v, least)
		}
		*field(c) = n * factor
		return nil
	}
}
