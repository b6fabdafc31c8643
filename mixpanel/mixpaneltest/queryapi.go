package mixpaneltest

import (
	"bufio"
	"encoding/json"
	"iter"
	"net/http"

	"mixduck/internal/day"
)

// lookupCall is the name of the call that lists the lookup tables. It belongs to the Ingestion API.
const lookupCall = "lookup-tables"

// serveQuery serves a call of the Query API, or of another API with short responses; id is the project in the path, ""
// if it is a parameter. An error means that the connection must be cut.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request, entry *Request, e endpoint, id string) error {
	s.note(func() { entry.Call, entry.Params = e.name, r.URL.Query() })
	p, no := s.authenticate(r, e.method, id)
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	c, bad := parseCall(e, r.URL.RawQuery, day.Of(s.now().In(p.Location)))
	c.server, c.project = s, p
	s.note(func() { entry.describe(p.ID, c.query) })
	hosts, limits := queryHosts(), p.queries
	switch {
	case e.name == lookupCall:
		hosts, limits = ingestionHosts(), p.others
	case e.name == "schemas":
		limits = p.lexicon
	case e.app:
		limits = p.others
	}
	if !s.stands(p.Region, r.Host, hosts) {
		return s.refuse(w, r, entry, stranger())
	}
	done, no := limits.admit(true)
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	defer done()
	if bad == nil && !e.undated {
		bad = p.refuseDays(c.days, s.now())
	}
	if bad != nil {
		return s.refuse(w, r, entry, bad)
	}
	return s.answerCall(w, r, entry, &c)
}

// answerCall sends the response to c, unless a fault prevents it.
func (s *Server) answerCall(w http.ResponseWriter, r *http.Request, entry *Request, c *call) error {
	plan := s.plan(c.project.ID, c.name, c.query)
	if done, err := s.answerAmiss(w, r, entry, plan); done {
		return err
	}
	answer, err := c.answer(c)
	if err != nil {
		return s.refuse(w, r, entry, wrapped(http.StatusBadRequest, "this stand-in cannot serve that: %v", err))
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	s.note(func() { entry.Status = http.StatusOK })
	wire := newWire(r.Context(), w, plan.fault)
	err = s.sendText(wire, w.Header(), acceptsGzip(r.Header), text)
	s.note(func() {
		entry.Bytes = wire.sent
		entry.Done = err == nil
	})
	return err
}

// sendText encodes text into wire.
func (s *Server) sendText(wire *wire, header http.Header, gzip bool, text []byte) error {
	buffer := bufio.NewWriterSize(wire, wireBufferBytes)
	body := s.newBody(buffer, header, gzip)
	if _, err := body.Write(text); err != nil {
		return err
	}
	return finish(body, buffer, wire)
}

// rows yields the events on days that the filter selects, in the form of [Server.Truth] and sorted by time.
func (c *call) rows(days day.Range) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		c.server.mu.Lock()
		edits := c.server.edits(c.project.ID, days)
		c.server.mu.Unlock()
		for d := range days.All() {
			var truth Truth
			if err := truth.add(c.project, d, false, c.filter, edits[d]); err != nil {
				yield(Row{}, err)
				return
			}
			for _, row := range truth.Rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}
