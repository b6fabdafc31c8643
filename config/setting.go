package config

import (
	"fmt"
	"time"

	"mixduck/internal/secret"
)

// setting is a setting of a T.
type setting[T any] struct {
	key    string // its name: redis.url, or within a mapping: cron
	env    string // MIXDUCK_REDIS_URL; "" for no variable
	flag   string // redis-url; "" for no flag
	usage  string
	secret bool   // env + "_FILE" and, in the file, key + "_file" can name a file that holds it
	path   bool   // relative to the file if set there
	server bool   // only for workers; clients neither read nor check it
	exact  bool   // keeps white space and invisible characters: for names and expressions of Mixpanel
	needed string // description, if it has no default; otherwise ""

	// public returns why a secret's value may not be in the file. If nil, no value may.
	public func(string) error

	field[T]
}

// settings returns all settings with a single value, in the order of the help.
func settings() []setting[Config] {
	return []setting[Config]{
		{key: "data_dir", env: "MIXDUCK_DATA_DIR", flag: "data-dir", usage: "`directory` of the databases and the embedded queue; default ~/.mp/data", path: true, field: text(func(c *Config) *string { return &c.DataDir }, nil)},
		{key: "volumes", env: "MIXDUCK_VOLUMES", flag: "volumes", usage: "directories of databases, as `name=dir,...`; default main=<data dir>", field: volumes()},
		{key: "redis.url", env: "MIXDUCK_REDIS_URL", flag: "redis-url", usage: "Redis `url` of the queue; default: the queue embedded in the worker", secret: true, public: withoutUser, field: redisURL()},
		{key: "redis.ca_file", env: "MIXDUCK_REDIS_CA_FILE", flag: "redis-ca-file", usage: "`file` with CA certificates (PEM) for rediss://; default: the system's", path: true, field: text(func(c *Config) *string { return &c.Redis.CAFile }, nil)},
		{key: "redis.allow_eviction", env: "MIXDUCK_REDIS_ALLOW_EVICTION", flag: "redis-allow-eviction", usage: "use a Redis that may evict jobs, `true` or false; default false", server: true, field: yesNo(func(c *Config) *bool { return &c.Redis.AllowEviction })},
		{key: "mixpanel.base_url", env: "MIXDUCK_MIXPANEL_BASE_URL", flag: "mixpanel-base-url", usage: "`url` to use instead of Mixpanel's hosts, for tests and proxies", field: text(func(c *Config) *string { return &c.Mixpanel.BaseURL }, nil)},
		{key: "mixpanel.requests_per_hour", env: "MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR", flag: "mixpanel-requests-per-hour", usage: fmt.Sprintf("maximum `n` of export requests per project and hour, or off; default %d, and off with a base URL", DefaultRequestsPerHour), field: requests()},
		{key: "mixpanel.first_byte_timeout", env: "MIXDUCK_MIXPANEL_FIRST_BYTE_TIMEOUT", flag: "mixpanel-first-byte-timeout", usage: "maximum `duration` until an export begins; default 5m", field: span(1, func(c *Config) *time.Duration { return &c.Mixpanel.FirstByteTimeout })},
		{key: "mixpanel.idle_timeout", env: "MIXDUCK_MIXPANEL_IDLE_TIMEOUT", flag: "mixpanel-idle-timeout", usage: "maximum `duration` of silence during an export; default 2m", field: span(1, func(c *Config) *time.Duration { return &c.Mixpanel.IdleTimeout })},
		{key: "worker.concurrency", env: "MIXDUCK_WORKER_CONCURRENCY", flag: "concurrency", usage: "run up to `n` jobs at a time; default 4", field: count(func(c *Config) *int { return &c.Worker.Concurrency })},
		{key: "worker.drain_timeout", env: "MIXDUCK_WORKER_DRAIN_TIMEOUT", flag: "drain-timeout", usage: "`duration` that running jobs get after the first signal; default 20s", field: span(1, func(c *Config) *time.Duration { return &c.Worker.DrainTimeout })},
		{key: "worker.retry_backoff", env: "MIXDUCK_WORKER_RETRY_BACKOFF", flag: "retry-backoff", usage: "`duration` before the second attempt, doubled for each one after; default 5s", field: span(1, func(c *Config) *time.Duration { return &c.Worker.RetryBackoff })},
		{key: "worker.memory_limit", env: "MIXDUCK_WORKER_MEMORY_LIMIT", flag: "memory-limit", usage: "memory `size` for DuckDB while it loads; default 512MB", field: size(minMemory, func(c *Config) *int64 { return &c.Worker.MemoryLimit })},
		{key: "worker.lock_wait", env: "MIXDUCK_WORKER_LOCK_WAIT", flag: "lock-wait", usage: "`duration` to wait while another process uses the database; default 1m", field: span(1, func(c *Config) *time.Duration { return &c.Worker.LockWait })},
		{key: "query.concurrency", env: "MIXDUCK_QUERY_CONCURRENCY", flag: "query-concurrency", usage: "run up to `n` queries at a time; default 4", field: count(func(c *Config) *int { return &c.Query.Concurrency })},
		{key: "query.memory_limit", env: "MIXDUCK_QUERY_MEMORY_LIMIT", flag: "query-memory-limit", usage: "memory `size` for DuckDB in each query; default 1GB", field: size(minMemory, func(c *Config) *int64 { return &c.Query.MemoryLimit })},
		{key: "query.max_result", env: "MIXDUCK_QUERY_MAX_RESULT", flag: "query-max-result", usage: "maximum `size` of a result on disk; default 16GB", field: size(1, func(c *Config) *int64 { return &c.Query.MaxResult })},
		{key: "query.timeout", env: "MIXDUCK_QUERY_TIMEOUT", flag: "query-timeout", usage: "default `duration` after which a query is cancelled; default 10m", field: span(1, func(c *Config) *time.Duration { return &c.Query.Timeout })},
		{key: "jobs.max_attempts", env: "MIXDUCK_JOBS_MAX_ATTEMPTS", flag: "max-attempts", usage: "maximum attempts `n` per job; default 5", field: count(func(c *Config) *int { return &c.Jobs.MaxAttempts })},
		{key: "retention.jobs", env: "MIXDUCK_RETENTION_JOBS", flag: "retention-jobs", usage: "`duration` to keep records of finished jobs; default 90d", field: span(time.Minute, func(c *Config) *time.Duration { return &c.Retention.Jobs })},
		{key: "retention.results", env: "MIXDUCK_RETENTION_RESULTS", flag: "retention-results", usage: "`duration` to keep query results; default 1d", field: span(time.Minute, func(c *Config) *time.Duration { return &c.Retention.Results })},
		{key: "http.listen", env: "MIXDUCK_HTTP_LISTEN", flag: "http-listen", usage: "`address` for health and metrics, or off; default " + defaultListen + ", or the next free port", server: true, field: address(func(c *Config) *string { return &c.HTTP.Listen })},
		{key: "http.token", env: "MIXDUCK_HTTP_TOKEN", usage: "token that http.listen requires; needed if other machines can reach it", secret: true, server: true, field: hidden(func(c *Config) *secret.String { return &c.HTTP.Token })},
		{key: "http.hosts", env: "MIXDUCK_HTTP_HOSTS", flag: "http-hosts", usage: "host `names` that http.listen answers to without a token, as mixduck.example.com (default: this machine's loopback names)", server: true, field: hosts(func(c *Config) *[]string { return &c.HTTP.Hosts })},
		{key: "http.pprof", env: "MIXDUCK_HTTP_PPROF", flag: "http-pprof", usage: "loopback `address` for Go profiles, or off; default off", server: true, field: address(func(c *Config) *string { return &c.HTTP.Pprof })},
		{key: "http.page", env: "MIXDUCK_HTTP_PAGE", flag: "http-page", usage: "what the page at http.listen `offers`: off, read, or full (jobs and schedules can be changed); default full", server: true, field: oneOf(func(c *Config) *string { return &c.HTTP.Page }, "off", "read", "full")},
		{key: "http.base_path", env: "MIXDUCK_HTTP_BASE_PATH", flag: "http-base-path", usage: "`path` of the page behind a proxy, as /mixduck", server: true, field: basePath(func(c *Config) *string { return &c.HTTP.Base })},
		{key: "flight.listen", env: "MIXDUCK_FLIGHT_LISTEN", flag: "flight-listen", usage: "`address` of the Arrow Flight SQL server, or off; default off", server: true, field: address(func(c *Config) *string { return &c.Flight.Listen })},
		{key: "flight.token", env: "MIXDUCK_FLIGHT_TOKEN", usage: "token that flight.listen requires; needed if other machines can reach it", secret: true, server: true, field: hidden(func(c *Config) *secret.String { return &c.Flight.Token })},
		{key: "flight.cert_file", env: "MIXDUCK_FLIGHT_CERT_FILE", flag: "flight-cert-file", usage: "`file` with the TLS certificate (PEM) of flight.listen; needed if other machines can reach it", path: true, server: true, field: text(func(c *Config) *string { return &c.Flight.CertFile }, nil)},
		{key: "flight.key_file", env: "MIXDUCK_FLIGHT_KEY_FILE", flag: "flight-key-file", usage: "`file` with the key (PEM) of flight.cert_file", path: true, server: true, field: text(func(c *Config) *string { return &c.Flight.KeyFile }, nil)},
		{key: "lake.catalog", env: "MIXDUCK_LAKE_CATALOG", flag: "lake-catalog", usage: "`catalog` of the Iceberg tables to publish to, as sqlite:/data/lake/catalog.db; default: none", field: text(func(c *Config) *string { return &c.Lake.Catalog }, checkCatalog)},
		{key: "lake.warehouse", env: "MIXDUCK_LAKE_WAREHOUSE", flag: "lake-warehouse", usage: "`url` of the directory of these tables, as file:///data/lake/warehouse", field: text(func(c *Config) *string { return &c.Lake.Warehouse }, checkWarehouse)},
		{key: "lake.publish", env: "MIXDUCK_LAKE_PUBLISH", flag: "lake-publish", usage: "`when` to publish events: after-sync, or manual (only with 'enqueue publish'); default after-sync", field: oneOf(func(c *Config) *string { return &c.Lake.Publish }, publishAfterSync, publishManually)},
		{key: "lake.retention", env: "MIXDUCK_LAKE_RETENTION", flag: "lake-retention", usage: "`duration` to keep replaced files and old snapshots of the lake; default 3d", field: span(time.Second, func(c *Config) *time.Duration { return &c.Lake.Retention })},
		{key: "log.level", env: "MIXDUCK_LOG_LEVEL", flag: "log-level", usage: "log `level`: debug, info, warn or error; default info", field: oneOf(func(c *Config) *string { return &c.Log.Level }, "debug", "info", "warn", "error")},
		{key: "log.format", env: "MIXDUCK_LOG_FORMAT", flag: "log-format", usage: "log `format`: text or json; default text", field: oneOf(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	}
}

// fileSetting names the file with the settings. It cannot be set in the file.
func fileSetting() setting[Config] {
	return setting[Config]{key: "config", env: "MIXDUCK_CONFIG", flag: "config", usage: "configuration `file`, or off; default mixduck.yaml if it exists", field: text(func(c *Config) *string { return &c.File }, nil)}
}
