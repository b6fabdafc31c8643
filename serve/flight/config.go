// Package flight serves databases over Arrow Flight SQL: each query runs in a process of package query, beside loads, and
// never keeps a load waiting for a slow client. It knows no queue, and opens no database itself.
package flight

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/listen"
	"mixduck/internal/secret"
	"mixduck/storage/query"
)

// Config says where the server listens and what its queries may use.
type Config struct {
	Listen   string        // host:port; "" serves nothing
	Token    secret.String // that clients have to send; needed where other machines reach Listen
	CertFile string        // certificate and key in PEM, for TLS; needed likewise. They are read again for each connection
	KeyFile  string

	Launcher    query.Launcher
	Concurrency int           // queries at once; others wait
	MemoryLimit int64         // bytes for DuckDB, a query
	MaxResult   int64         // bytes of a result
	Timeout     time.Duration // of a query, from its start to its last row; the client may take longer to read them
	LockWait    time.Duration // for a load, and for other programs that hold the file

	// NoteReads is told which properties a query of a database has read; nil tells nobody.
	NoteReads func(ctx context.Context, path string, reads []query.Read)

	Dir     string // for results that clients are slow to read. It exists, and belongs to this server
	Version string // of the program
}

// Check returns an error with [fault.CodeUsage] for settings that would let strangers in, or that cannot work. It listens nowhere.
func (c Config) Check() error {
	var problems []error
	if (c.CertFile == "") != (c.KeyFile == "") {
		problems = append(problems, fault.Usage("set both, or neither", "flight.cert_file and flight.key_file belong together"))
	} else if c.CertFile != "" && c.Listen != "" {
		if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
			problems = append(problems, fault.Usage("use a certificate and its key in PEM", "flight.cert_file: %w", err))
		}
	}
	if c.Listen != "" && !listen.Loopback(c.Listen) {
		if c.Token.IsZero() {
			problems = append(problems, fault.Usage("set MIXDUCK_FLIGHT_TOKEN or MIXDUCK_FLIGHT_TOKEN_FILE, or listen at 127.0.0.1",
				"flight.listen: other machines can reach %s, and flight.token is not set", c.Listen))
		}
		if c.CertFile == "" {
			problems = append(problems, fault.Usage("set flight.cert_file and flight.key_file, or listen at 127.0.0.1",
				"flight.listen: other machines can reach %s, and there is no certificate for TLS", c.Listen))
		}
	}
	return errors.Join(problems...)
}

// tls returns how connections are encrypted; nil if they are not.
func (c Config) tls() *tls.Config {
	if c.CertFile == "" {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile) // which others renew
		return &pair, err
	}}
}

// Database is one that clients can choose.
type Database struct {
	Name    string // volume/path.db
	Path    string // of the file
	Project string // the name of the project that is fetched into it; "" for none
}

// Databases returns all that there are, in the order of their names.
type Databases func(ctx context.Context) ([]Database, error)

// Observer is told what happens.
type Observer interface {
	// FlightQueries says how many queries run, and how many wait for others to end.
	FlightQueries(running, waiting int)
	// FlightQueryEnded counts a query by its outcome: done, failed or cancelled.
	FlightQueryEnded(outcome string, took time.Duration)
}
