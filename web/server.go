// Package web serves the state of a worker over HTTP: whether it is alive, whether it can work, and its metrics. It
// knows queues, volumes and addresses. It makes no decisions, and nothing depends on it.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/listen"
	"mixduck/internal/secret"
)

// Config sets the addresses of the pages. Addresses are host:port; "" serves nothing.
type Config struct {
	Listen string        // for health and metrics
	Spare  int           // how many ports after that of Listen may be used if it is taken; if all are taken, there is no page. 0: Listen, or an error
	Owner  string        // identifies the worker's data directory; /healthz returns it
	Token  secret.String // required from callers; necessary if other machines can reach Listen
	Hosts  []string      // allowed host names at Listen without a Token, in lower case, in addition to its own and localhost
	Pprof  string        // for profiles; must be reachable only from this machine
	Page   Page          // served at Listen, too; nil for none
}

// Page is a web page with its own access control; [page.Page] is one.
type Page interface {
	Routes(handle func(pattern string, h http.Handler))
	Path() string // of its start
	Close()       // ends its streams
}

// Check returns an error with [fault.CodeUsage] for addresses that would allow access without authorization. It does
// not connect.
func (c Config) Check() error {
	var problems []error
	if c.Listen != "" && !listen.Loopback(c.Listen) && c.Token.IsZero() {
		problems = append(problems, fault.Usage("set MIXDUCK_HTTP_TOKEN or MIXDUCK_HTTP_TOKEN_FILE, or listen at 127.0.0.1",
			"http.listen: other machines can reach %s, and http.token is not set", c.Listen))
	}
	if c.Pprof != "" && !listen.Loopback(c.Pprof) {
		problems = append(problems, fault.Usage("use 127.0.0.1", "http.pprof: other machines can reach %s; use a loopback address", c.Pprof))
	}
	return errors.Join(problems...)
}

// Server serves the pages until it is closed.
type Server struct {
	log      *slog.Logger
	page     Page // nil for none
	servers  []*http.Server
	pages    map[string]*routes // by server address
	serving  sync.WaitGroup
	listenAt net.Addr
}

const (
	readTimeout  = 10 * time.Second
	writeTimeout = time.Minute
	profileTakes = 5 * time.Minute // maximum
	closeTimeout = 2 * time.Second
	maxHeader    = 16 << 10
)

// Serve starts to serve health and metrics. It returns errors with [fault.CodeUsage] for an invalid Config, and with
// [fault.CodeFailed] if an address is taken.
func Serve(ctx context.Context, cfg Config, health *Health, metrics *Metrics, log *slog.Logger) (*Server, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	s := &Server{log: log, page: cfg.Page, pages: map[string]*routes{}}
	if cfg.Listen != "" {
		pages := &routes{}
		pages.handle("GET /healthz", serveLife(cfg))
		pages.handle("GET /readyz", authorized(cfg.Token, health))
		pages.handle("GET /metrics", authorized(cfg.Token, metrics.handler()))
		if cfg.Page != nil {
			cfg.Page.Routes(pages.handle)
		}
		if err := s.listenSomewhere(ctx, cfg, pages); err != nil {
			return nil, err
		}
	}
	if cfg.Pprof != "" {
		addr, err := s.listen(ctx, "http.pprof", cfg.Pprof, hostOf(cfg.Pprof), profiles(), profileTakes)
		if err != nil {
			s.Close()
			return nil, err
		}
		log.Info("pprof server started", slog.String("address", addr.String()))
	}
	return s, nil
}

// Addr returns the address of health and metrics, nil for none.
func (s *Server) Addr() net.Addr { return s.listenAt }

// listenSomewhere serves pages at the address of cfg. With spare ports, it uses the first free one, or none.
func (s *Server) listenSomewhere(ctx context.Context, cfg Config, pages *routes) error {
	var problem error // for the first address
	for i, address := range cfg.addresses() {
		addr, err := s.listen(ctx, "http.listen", address, cfg.hosts(), pages, writeTimeout)
		if i == 0 {
			problem = err
		}
		if err == nil {
			s.listenAt = addr
			break
		}
	}
	switch {
	case problem == nil:
		s.log.Info("http server started", slog.String("address", s.listenAt.String()))
	case cfg.Spare == 0:
		return problem
	case s.listenAt == nil:
		s.log.Warn("health and metrics are not served: set http.listen to a free address", slog.Any("err", problem))
	default:
		s.log.Warn("http listens at another address", slog.Any("err", problem), slog.String("address", s.listenAt.String()))
	}
	return nil
}

// addresses returns Listen, and the addresses with spare ports.
func (c Config) addresses() []string {
	all := []string{c.Listen}
	host, text, err := net.SplitHostPort(c.Listen)
	port, numErr := strconv.ParseUint(text, 10, 16)
	if err != nil || numErr != nil {
		return all
	}
	for n := 1; n <= c.Spare; n++ {
		all = append(all, net.JoinHostPort(host, strconv.Itoa(int(port)+n)))
	}
	return all
}

// listen serves pages at an address, the value of the setting key, for requests to one of hosts.
func (s *Server) listen(ctx context.Context, key, address string, hosts []string, pages *routes, answerTakes time.Duration) (net.Addr, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, listen.Error(key, address, err)
	}
	server := &http.Server{
		Handler: guarded(hosts, &pages.mux), ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: answerTakes,
		IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, server)
	s.pages[l.Addr().String()] = pages
	s.serving.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("http server stopped unexpectedly", slog.String("address", address), slog.Any("err", err))
		}
	})
	return l.Addr(), nil
}

// Close briefly waits for responses in progress, and closes the addresses.
func (s *Server) Close() {
	if s.page != nil {
		s.page.Close()
	}
	ctx, stop := context.WithTimeout(context.Background(), closeTimeout)
	defer stop()
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}
	s.serving.Wait()
}

const (
	ownerHeader = "Mixduck-Owner" // identifies the data directory of the responding worker
	pageHeader  = "Mixduck-Page"  // path of the page; missing if there is none
)

// serveLife responds if the process is alive. It needs no token, because it contains no secret.
func serveLife(cfg Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set(ownerHeader, cfg.Owner)
		if cfg.Page != nil {
			w.Header().Set(pageHeader, cfg.Page.Path())
		}
		_, _ = w.Write([]byte("ok\n"))
	})
}

// profiles serves the pages of package pprof, except the command line.
func profiles() *routes {
	all := &routes{}
	all.handle("GET /debug/pprof/", http.HandlerFunc(pprof.Index))
	all.handle("GET /debug/pprof/profile", http.HandlerFunc(pprof.Profile))
	all.handle("GET /debug/pprof/symbol", http.HandlerFunc(pprof.Symbol))
	all.handle("GET /debug/pprof/trace", http.HandlerFunc(pprof.Trace))
	return all
}
