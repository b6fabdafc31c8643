// Package mixpaneltest is a strict stand-in for Mixpanel's raw event export API and for the calls of its Query API
// that count events and return profiles. It has generated data, and faults on demand. It is for tests, the demo and
// benchmarks. It knows how Mixpanel responds and what a correct copy of its data holds. It does not know the client,
// the storage or the queue.
//
// A test starts a server with [Start], makes it fail with [Server.Inject], copies days from its URL with the code
// under test, and compares the copy with [Server.Truth] and the requests with [Server.Requests].
package mixpaneltest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// The paths that a [Server] serves.
const (
	ExportPath = "/api/2.0/export"
	QueryPath  = "/api/query/"        // followed by the name of a call, such as segmentation
	AppPath    = "/api/app/projects/" // followed by the ID of a project and the name of a call, such as annotations
	LookupPath = "/lookup-tables"
)

// Config configures the data and limits of a [Server].
type Config struct {
	Projects []Project
	// Region is the server's region: us, eu or in. If it is empty, the Host header decides (data.mixpanel.com,
	// data-eu.mixpanel.com, data-in.mixpanel.com; for queries mixpanel.com, eu.mixpanel.com, in.mixpanel.com), and any
	// other host has the projects of all regions.
	Region string
	// Now is the clock for limits, dates and the log. Nil means [time.Now].
	Now func() time.Time
	// Limits apply to the exports of each project separately.
	Limits Limits
	// QueryLimits apply to the queries of each project separately. 0 means 60 an hour, all of which may be sent within
	// a second, and 5 at once.
	QueryLimits Limits
	// LexiconPerMinute is how many requests for Lexicon each project may send per minute; 0 means 5. QueryLimits.Off
	// disables this limit too.
	LexiconPerMinute int
	// SessionTTL is how long the pages of a query for profiles are available; 0 means an hour.
	SessionTTL time.Duration
	// MaxRequestLine is the maximum length of a request's first line in bytes, without its line end; longer ones get a
	// 414. 0 means 8190, as at Mixpanel's edge; a negative number means no limit.
	MaxRequestLine int
}

// Server serves requests for its projects. It is safe for concurrent use.
type Server struct {
	// URL is the base URL, without a trailing slash, if [Start] runs the server; otherwise empty.
	URL string

	now      func() time.Time
	region   string
	projects map[int64]*project
	packers  sync.Pool // of *gzip.Writer
	maxLine  int
	closed   chan struct{}
	close    func()

	mu         sync.Mutex
	log        []*Request
	injections []*Injection
	nextID     int

	sessionTTL  time.Duration
	nextSession int
}

// project is a Project with its use of limits.
type project struct {
	Project
	exports, queries *limiter
	lexicon, others  *limiter

	// Guarded by the server's mutex.
	rosters  map[string]*roster // by the ID of a group, "" for users
	cohorts  []*members
	sessions map[string]*session
	packed   map[string]*result // by key of a query
	saved    saved
}

// cohort returns the cohort with an ID, or nil. The caller holds the server's mutex.
func (p *project) cohort(id int64) *members {
	for _, c := range p.cohorts {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// New returns a server that is ready to serve, or an error about cfg.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Region != "" && !knownRegion(cfg.Region) {
		return nil, fmt.Errorf("region %q is not one of us, eu, in", cfg.Region)
	}
	if err := errors.Join(cfg.Limits.validate(), cfg.QueryLimits.validate(), validateTTL(cfg.SessionTTL)); err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	s := &Server{
		now:      cfg.Now,
		region:   cfg.Region,
		maxLine:  cmp.Or(cfg.MaxRequestLine, 8190),
		projects: make(map[int64]*project, len(cfg.Projects)),
		closed:   closed,

		sessionTTL: cmp.Or(cfg.SessionTTL, defaultSessionTTL),
		close:      sync.OnceFunc(func() { close(closed) }),
	}
	s.packers.New = func() any { return newPacker() }
	for _, p := range cfg.Projects {
		if err := p.validate(); err != nil {
			return nil, err
		}
		if s.projects[p.ID] != nil {
			return nil, fmt.Errorf("project %d: given twice", p.ID)
		}
		if p.Location == nil {
			p.Location = time.UTC
		}
		held := &project{
			Project: p,
			exports: newLimiter("export", cfg.Limits.orExportDefaults(), cfg.Now),
			queries: newLimiter("query", cfg.QueryLimits.orQueryDefaults(), cfg.Now),
			lexicon: newLimiter("schema", Limits{Off: cfg.QueryLimits.Off, PerHour: cmp.Or(cfg.LexiconPerMinute, 5), PerSecond: 5, AtOnce: 5}, cfg.Now),
			others:  newLimiter("", Limits{Off: true}, cfg.Now),
			rosters: map[string]*roster{"": newRoster(p.Profiles)},
			saved:   newSaved(p),
		}
		held.lexicon.span = time.Minute
		for _, g := range p.Groups {
			held.rosters[g.ID] = newRoster(g.Profiles)
		}
		for _, c := range p.Cohorts {
			held.cohorts = append(held.cohorts, newMembers(c))
		}
		s.projects[p.ID] = held
	}
	return s, nil
}

// Close releases all requests that a fault holds, now and later. It does not end other requests.
func (s *Server) Close() { s.close() }

// newPacker returns a gzip writer with the fastest level, which is right for a stand-in.
func newPacker() *gzip.Writer {
	zw, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return zw
}

// ServeHTTP serves a request. For faults that cut the connection it panics with [http.ErrAbortHandler], as net/http
// requires.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := s.record(r)
	defer func() {
		end := s.now()
		s.note(func() { entry.EndedAt = end })
	}()
	if err := s.serve(w, r, entry); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// serve serves a request; an error means that the connection must be cut.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, entry *Request) error {
	if n := len(r.Method) + len(" ") + len(r.RequestURI) + len(" ") + len(r.Proto); s.maxLine >= 0 && n > s.maxLine {
		return s.refuse(w, r, entry, plain(http.StatusRequestURITooLong, "URI Too Long"))
	}
	if r.URL.Path == ExportPath {
		return s.serveExport(w, r, entry)
	}
	if name, ok := strings.CutPrefix(r.URL.Path, QueryPath); ok {
		if name == engageCall {
			return s.serveEngage(w, r, entry)
		}
		if e, ok := endpointOf(name); ok && !e.app && e.name != lookupCall {
			return s.serveQuery(w, r, entry, e, "")
		}
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, AppPath); ok {
		id, name, _ := strings.Cut(rest, "/")
		if e, ok := endpointOf(name); ok && e.app && id != "" {
			return s.serveQuery(w, r, entry, e, id)
		}
	}
	if e, ok := endpointOf(lookupCall); ok && r.URL.Path == LookupPath {
		return s.serveQuery(w, r, entry, e, "")
	}
	return s.refuse(w, r, entry, wrapped(http.StatusNotFound, "there is no %s", r.URL.Path))
}

func (s *Server) serveExport(w http.ResponseWriter, r *http.Request, entry *Request) error {
	p, no := s.authenticate(r, http.MethodGet, "")
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	q, bad := parseQuery(r.URL.RawQuery)
	s.note(func() { entry.describe(p.ID, q) })
	if !s.stands(p.Region, r.Host, exportHosts()) {
		return s.refuse(w, r, entry, wrongRegion())
	}
	done, no := p.exports.admit(true)
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	defer done()
	if bad == nil {
		bad = p.refuseDays(q.days, s.now())
	}
	if bad != nil {
		return s.refuse(w, r, entry, bad)
	}
	return s.answer(w, r, entry, p, q)
}
