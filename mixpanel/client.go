// Package mixpanel is the HTTP client for Mixpanel's raw export API and for its Query API, which counts events and
// lists profiles. It handles hosts, credentials, pacing, timeouts, and the meaning of each error. It does not know
// what an event or a profile is, where they are stored, or how often to retry. The bytes of exports and of pages of
// profiles are passed on exactly as received. All other responses of the Query API are small, and decoded.
package mixpanel

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"mixduck/internal/fault"
	"mixduck/internal/invisible"
	"mixduck/internal/secret"
)

const (
	exportPath = "/api/2.0/export"
	queryPath  = "/api/query"
	appPath    = "/api/app/projects/"
	lookupPath = "/lookup-tables"

	defaultFirstByteTimeout = 5 * time.Minute
	defaultIdleTimeout      = 2 * time.Minute
	defaultQueryTimeout     = 2 * time.Minute
	defaultUserAgent        = "mixduck"

	accountHint = "set MP_USERNAME and MP_SECRET"
)

// Config configures the connection and its timeouts. Only the credentials are required.
type Config struct {
	// Region of the projects; "" means [RegionUS]. Ignored if BaseURL is set.
	Region Region
	// BaseURL replaces the hosts of the region, for tests and proxies. For http://127.0.0.1:9999 the client uses
	// http://127.0.0.1:9999/api/2.0/export and paths below http://127.0.0.1:9999/api/query. It is http or https,
	// without credentials, query or fragment; "" means the region's hosts.
	BaseURL string
	// Username and Secret are those of a Mixpanel service account.
	Username string
	Secret   secret.String
	// FirstByteTimeout is how long to wait for the headers of a response, including connecting and redirects; 0 means
	// 5 minutes. Mixpanel can take minutes to respond to large exports.
	FirstByteTimeout time.Duration
	// IdleTimeout is how long a read of a body may wait for the next byte; 0 means 2 minutes. There is no limit for a
	// whole export, or for the time between reads.
	IdleTimeout time.Duration
	// QueryTimeout is the limit for a whole call of the Query API once it is sent; 0 means 2 minutes.
	QueryTimeout time.Duration
	// UserAgent is sent with each request; "" means mixduck.
	UserAgent string
	// Observer is notified of each response; it may be nil.
	Observer observer
}

// observer is notified of the status of responses, or 0 for a request without one, from several goroutines. It is not
// notified of followed redirects.
type observer interface{ Answered(status int) }

// Client sends requests to one region with one service account, for any number of projects. It is safe for concurrent
// use, and keeps connections for reuse.
type Client struct {
	http         *http.Client
	exportURL    string
	queryURL     string
	appURL       string
	lookupURL    string
	username     string
	secret       secret.String
	firstByte    time.Duration
	idle         time.Duration
	queryTimeout time.Duration
	userAgent    string
	exports      pacer
	queries      turnstile
	lexicon      pacer
	observer     observer // may be nil
}

// New returns a client. It does not connect. The proxy is that of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. New reports
// all problems of cfg and of the proxy at once.
func New(cfg Config) (*Client, error) {
	hosts, err := cfg.hosts()
	proxies := httpproxy.FromEnvironment()
	if err := errors.Join(cfg.checkCredentials(), err, cfg.checkTimeouts(), checkProxies(proxies)); err != nil {
		return nil, err
	}
	return &Client{
		http:         &http.Client{Transport: newTransport(proxies), CheckRedirect: checkRedirect},
		exportURL:    hosts.export + exportPath,
		queryURL:     hosts.query + queryPath,
		appURL:       hosts.query + appPath,
		lookupURL:    hosts.ingestion + lookupPath,
		username:     cfg.Username,
		secret:       cfg.Secret,
		firstByte:    orDefault(cfg.FirstByteTimeout, defaultFirstByteTimeout),
		idle:         orDefault(cfg.IdleTimeout, defaultIdleTimeout),
		queryTimeout: orDefault(cfg.QueryTimeout, defaultQueryTimeout),
		userAgent:    orDefault(cfg.UserAgent, defaultUserAgent),
		observer:     cfg.Observer,
		exports:      pacer{every: requestSpacing},
		lexicon:      pacer{every: lexiconSpacing},
	}, nil
}

// CloseIdleConnections closes unused connections. The client remains usable.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// hosts returns the base URLs of the APIs. Its errors do not quote BaseURL, which can contain a password.
func (cfg Config) hosts() (hosts, error) {
	if cfg.BaseURL == "" {
		h, ok := cfg.Region.hosts()
		if !ok {
			return hosts{}, fault.Usage("set the region to us, eu or in", "mixpanel: unknown region %q", string(cfg.Region))
		}
		return h, nil
	}
	const hint = "use a base URL like https://data.mixpanel.com"
	u, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil:
		return hosts{}, fault.Usage(hint, "mixpanel: the base URL is invalid")
	case u.Scheme != "http" && u.Scheme != "https":
		return hosts{}, fault.Usage(hint, "mixpanel: the base URL does not start with http:// or https://")
	case u.Hostname() == "":
		return hosts{}, fault.Usage(hint, "mixpanel: the base URL has no host")
	case u.User != nil:
		return hosts{}, fault.Usage(accountHint, "mixpanel: the base URL contains credentials")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return hosts{}, fault.Usage(hint, "mixpanel: the base URL has a query or a fragment")
	}
	base := strings.TrimRight(u.String(), "/")
	return hosts{base, base, base}, nil
}

func (cfg Config) checkCredentials() error {
	s := cfg.Secret.Reveal()
	switch {
	case cfg.Username == "" && s == "":
		return fault.New(fault.CodeAuth, accountHint, "mixpanel: no service account is set")
	case cfg.Username == "":
		return fault.New(fault.CodeAuth, accountHint, "mixpanel: the service account has no username")
	case s == "":
		return fault.New(fault.CodeAuth, accountHint, "mixpanel: the service account has no secret")
	case strings.TrimSpace(cfg.Username) != cfg.Username || strings.Contains(cfg.Username, ":"):
		// RFC 7617: everything after the first colon would be part of the secret.
		return fault.New(fault.CodeAuth, "set MP_USERNAME to the username only",
			"mixpanel: the service account's username contains a colon or has spaces around it")
	case strings.TrimSpace(s) != s:
		return fault.New(fault.CodeAuth, "remove the spaces around MP_SECRET",
			"mixpanel: the service account's secret has spaces around it")
	}
	for _, text := range []struct{ variable, name, value string }{{"MP_USERNAME", "username", cfg.Username}, {"MP_SECRET", "secret", s}} {
		if err := invisible.Check(text.value); err != nil {
			return fault.New(fault.CodeAuth, "set "+text.variable+" without it", "mixpanel: the service account's %s %w", text.name, err)
		}
	}
	return nil
}

func (cfg Config) checkTimeouts() error {
	check := func(name string, d time.Duration) error {
		if d < 0 {
			return fault.Usage("use 0 for the default", "mixpanel: the %s timeout is negative: %s", name, d)
		}
		return nil
	}
	return errors.Join(
		check("first byte", cfg.FirstByteTimeout), check("idle", cfg.IdleTimeout), check("query", cfg.QueryTimeout))
}
