// Package connect opens the queue from the settings, for commands that use it. It handles Redis servers and embedded
// queues.
package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"mixduck/config"
	"mixduck/internal/embedredis"
	"mixduck/internal/fault"
	"mixduck/internal/invisible"
	"mixduck/jobs/queue"
)

// connectTimeout is how long the first response of Redis may take.
const connectTimeout = 5 * time.Second

// With calls use with the queue from cfg. It returns an error at once if no process serves the queue.
func With(ctx context.Context, cfg config.Config, use func(*queue.Queue) error) error {
	return WithRedis(ctx, cfg, func(rdb *redis.Client) error {
		q, err := New(rdb, cfg)
		if err != nil {
			return err
		}
		return use(q)
	})
}

// New returns the queue on a Redis.
func New(rdb *redis.Client, cfg config.Config) (*queue.Queue, error) {
	return queue.New(rdb, queue.Config{Retention: cfg.Retention.Jobs, ResultRetention: cfg.Retention.Results})
}

// WithRedis calls use with the Redis of that queue.
func WithRedis(ctx context.Context, cfg config.Config, use func(*redis.Client) error) (err error) {
	rdb, err := connect(ctx, cfg)
	if err == nil {
		defer func() { err = errors.Join(err, rdb.Close()) }()
		err = use(rdb)
	}
	switch {
	case errors.Is(err, embedredis.ErrNoWorker):
		return fault.New(fault.CodeFailed, "run 'worker run --data-dir "+cfg.DataDir+"'",
			"%w for data directory %s", embedredis.ErrNoWorker, cfg.DataDir)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.CodeFailed, "run this as the worker's user", "no permission to use the queue: %w", err)
	}
	return err
}

func connect(ctx context.Context, cfg config.Config) (*redis.Client, error) {
	if cfg.Redis.URL.IsZero() {
		return embedredis.Connect(ctx, cfg.QueueDir())
	}
	opt, err := Options(cfg.Redis)
	if err != nil {
		return nil, err
	}
	opt.DialerRetries = 1
	rdb := redis.NewClient(opt)
	answer, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := rdb.Ping(answer).Err(); err != nil {
		_ = rdb.Close()
		if errors.Is(err, errCluster) {
			return nil, errCluster
		}
		return nil, fault.New(fault.CodeFailed, connectHint(err), "no queue at %s: %w", opt.Addr, err)
	}
	return rdb, nil
}

// connectHint says what to do if Redis does not respond.
func connectHint(err error) string {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return "set redis.ca_file (--redis-ca-file) to a PEM file with the CA certificate of the server"
	}
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		return "this server does not use TLS: use redis:// instead of rediss:// in redis.url"
	}
	return "check that Redis runs there, and that redis.url (--redis-url) is right"
}

// Options returns the options for connecting to a Redis server. Errors have [fault.CodeUsage] and contain no password.
func Options(cfg config.Redis) (*redis.Options, error) {
	opt, err := redis.ParseURL(cfg.URL.Reveal())
	if err != nil { // its text may contain the password
		return nil, fault.Usage("use redis://user:password@host:6379/0, rediss://… or unix:///path/redis.sock", "invalid Redis URL")
	}
	opt.ContextTimeoutEnabled = true // a context limits the command with all its retries
	opt.OnConnect = refuseCluster
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if cfg.CAFile == "" {
		return opt, nil
	}
	if opt.TLSConfig == nil {
		return nil, fault.Usage("use rediss://… as redis.url, or omit redis.ca_file", "redis.ca_file requires a rediss:// URL")
	}
	if opt.TLSConfig.RootCAs, err = authorities(cfg.CAFile); err != nil {
		return nil, err
	}
	opt.TLSConfig.MinVersion = tls.VersionTLS12
	return opt, nil
}

// authorities reads CA certificates from a file.
func authorities(file string) (*x509.CertPool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Usage("use a file that this user can read", "redis.ca_file: %w", err)
	}
	pem, err := invisible.Decode(b)
	if err != nil {
		return nil, fault.Usage("use a PEM file with certificates", "redis.ca_file: %s %w", file, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, fault.Usage("use a PEM file with certificates", "redis.ca_file: %s contains no certificate", file)
	}
	return pool, nil
}
