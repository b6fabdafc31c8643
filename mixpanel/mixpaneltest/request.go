package mixpaneltest

import (
	"net/http"
	"net/url"
	"time"

	"mixduck/internal/day"
)

// Request describes a request to a [Server]. Fields that are not known yet, or that the request never reached, are
// zero.
type Request struct {
	At       time.Time `json:"at"`
	EndedAt  time.Time `json:"ended_at,omitzero"` // zero while it is being served
	Project  int64     `json:"project,omitempty"` // set once the credentials were accepted
	Call     string    `json:"call,omitempty"`    // of the Query API, such as segmentation; "" for an export
	Days     day.Range `json:"days,omitzero"`
	Events   []string  `json:"events,omitempty"`
	Where    string    `json:"where,omitempty"`
	Limit    int       `json:"limit,omitempty"`
	Page     int64     `json:"page,omitempty"`    // of profiles
	Session  string    `json:"session,omitempty"` // of a query for profiles, see [Server.SessionProfiles]
	TimeInMS bool      `json:"time_in_ms"`
	Gzip     bool      `json:"gzip"`            // whether the client accepts gzip
	Status   int       `json:"status"`          // 0 before the response
	Fault    Kind      `json:"fault,omitempty"` // the transport fault that affected it
	Bytes    int64     `json:"bytes"`           // of the body, as sent
	Done     bool      `json:"done"`            // the whole response was sent, or what a fault left of it
	// Params are all parameters of a call of the Query API, as sent.
	Params url.Values `json:"params,omitempty"`
}

// Requests returns all requests so far in order, except those of the Query API.
func (s *Server) Requests() []Request {
	return s.logged(func(r *Request) bool { return r.Call == "" })
}

// Queries returns all calls of the Query API so far in order.
func (s *Server) Queries() []Request {
	return s.logged(func(r *Request) bool { return r.Call != "" })
}

func (s *Server) logged(wanted func(*Request) bool) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := make([]Request, 0, len(s.log))
	for _, r := range s.log {
		if wanted(r) {
			log = append(log, *r)
		}
	}
	return log
}

// record opens the log entry of r.
func (s *Server) record(r *http.Request) *Request {
	entry := &Request{At: s.now(), Gzip: acceptsGzip(r.Header)}
	s.note(func() { s.log = append(s.log, entry) })
	return entry
}

// note changes the log.
func (s *Server) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// describe sets what was requested.
func (r *Request) describe(project int64, q query) {
	r.Project, r.Days, r.Events, r.Where = project, q.days, q.filter.events, q.filter.where
	r.Limit, r.TimeInMS = q.limit, q.timeInMS
}
