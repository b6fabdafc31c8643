// Package mixpaneltest is a strict stand-in for Mixpanel's raw event export API and for the calls of its Query API that
// count events and return profiles, with made-up data and faults on demand. It serves tests, the demo and the benchmarks. It knows how Mixpanel answers and what a correct copy of its data holds;
// it knows nothing of the client, the storage or the queue.
//
// A test starts a server with [Start], makes it fail with [Server.Inject], copies days from its URL by whatever is under
// test, and compares the copy with [Server.Truth] and the requests with [Server.Requests].
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

// The paths that a [Server] answers.
const (
	ExportPath = "/api/2.0/export"
	QueryPath  = "/api/query/"        // with the name of a call behind it, such as segmentation
	AppPath    = "/api/app/projects/" // with the id of a project and the name of a call behind it, such as annotations
	LookupPath = "/lookup-tables"
)

// Config says what a [Server] holds and allows.
type Config struct {
	Projects []Project
	// Region is where the server stands: us, eu or in. Empty means that the Host header tells (data.mixpanel.com,
	// data-eu.mixpanel.com, data-in.mixpanel.com; for queries mixpanel.com, eu.mixpanel.com, in.mixpanel.com), and that
	// any other host has the projects of all regions.
	Region string
	// Now is the clock that limits, dates and the log go by. Nil means [time.Now].
	Now func() time.Time
	// Limits hold for the exports of each project on its own.
	Limits Limits
	// QueryLimits hold for the queries of each project on its own; in place of 0 they allow 60 an hour, all of these in
	// one second, and 5 at once.
	QueryLimits Limits
	// LexiconPerMinute is how many requests for Lexicon each project may send in a minute; 0 means 5. QueryLimits.Off lifts this limit too.
	LexiconPerMinute int
	// SessionTTL is how long the pages of a query for profiles can be asked for; 0 means an hour.
	SessionTTL time.Duration
	// MaxRequestLine is how many bytes the first line of a request may have, without its line end; a longer one gets a 414. In
	// place of 0 there are 8190, as at Mixpanel's edge; a negative one means no limit.
	MaxRequestLine int
}

// Server answers the requests for its projects. It is safe for concurrent use.
type Server struct {
	// URL is the base URL, without a trailing slash, once [Start] runs the server; otherwise empty.
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

// project is a Project with what it has used of its limits.
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

// cohort returns one, or nil. The caller holds the server's mutex.
func (p *project) cohort(id int64) *members {
	for _, c := range p.cohorts {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// New returns a server that is ready to serve, or says what is wrong with cfg.
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

// Close lets go of all requests that a fault holds, now and later. It does not end other requests.
func (s *Server) Close() { s.close() }

// packer returns a gzip writer on the level that fits a stand-in: as fast as can be.
func newPacker() *gzip.Writer {
	zw, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return zw
}

// ServeHTTP answers one request. Faults that cut the connection make it panic with [http.ErrAbortHandler], as net/http
// wants it.
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

// serve answers one request; an error means that the connection is to be cut.
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
