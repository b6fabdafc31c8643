package mixpaneltest

import (
	"bufio"
	"cmp"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strconv"
)

// engageCall is the name of the call of the Query API that returns profiles.
const engageCall = "engage"

// serveEngage serves a request for a page of profiles; an error means that the connection must be cut.
func (s *Server) serveEngage(w http.ResponseWriter, r *http.Request, entry *Request) error {
	s.note(func() { entry.Call, entry.Params = engageCall, r.URL.Query() })
	p, no := s.authenticate(r, http.MethodPost, "")
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	q, bad := s.parseEngage(r, entry)
	s.note(func() { entry.Project, entry.Page = p.ID, q.page })
	if !s.stands(p.Region, r.Host, queryHosts()) {
		return s.refuse(w, r, entry, stranger())
	}
	done, no := p.queries.admit(q.page == 0)
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	defer done()
	if bad != nil {
		return s.refuse(w, r, entry, bad)
	}
	plan := s.plan(p.ID, engageCall, query{page: q.page})
	if done, err := s.answerAmiss(w, r, entry, plan); done {
		return err
	}
	begun, no := s.sessionOf(p, q, r.PostForm)
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	s.note(func() { entry.Session = begun.id })
	return s.sendPage(w, r, entry, p, begun, q.page, plan)
}

// parseEngage parses the parameters of a request: the project is in the URL, everything else in the form.
func (s *Server) parseEngage(r *http.Request, entry *Request) (engageQuery, *refusal) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return engageQuery{}, wrapped(http.StatusUnsupportedMediaType, "the body must be a form")
	}
	if err := r.ParseForm(); err != nil {
		return engageQuery{}, wrapped(http.StatusBadRequest, "malformed form: %v", err)
	}
	s.note(func() { entry.Params = r.Form })
	for key, v := range r.URL.Query() {
		if key != "project_id" || len(v) != 1 {
			return engageQuery{}, wrapped(http.StatusBadRequest, "unsupported parameter %s in the URL", key)
		}
	}
	return parseEngage(r.PostForm)
}

// sendPage sends a page of a session.
func (s *Server) sendPage(
	w http.ResponseWriter, r *http.Request, entry *Request, p *project, begun *session, number int64, plan plan,
) error {
	page, no := s.pageOf(p, begun, number, plan.kind())
	if no != nil {
		return s.refuse(w, r, entry, no)
	}
	w.Header().Set("Content-Type", "application/json")
	s.note(func() { entry.Status = http.StatusOK })
	wire := newWire(r.Context(), w, plan.fault)
	buffer := bufio.NewWriterSize(wire, wireBufferBytes)
	body := s.newBody(buffer, w.Header(), acceptsGzip(r.Header))
	var err error
	if packed := page.packed(); packed != nil && acceptsGzip(r.Header) && plan.kind().class() != linesClass {
		err = page.writePacked(body, packed)
	} else {
		lines := page.lines()
		if plan.kind().class() == linesClass {
			lines = endEarly(plan.fault.Fault, lines)
		}
		err = write(body, lines)
	}
	if err == nil {
		err = finish(body, buffer, wire)
	}
	s.note(func() {
		entry.Bytes = wire.sent
		entry.Done = err == nil
	})
	return err
}

// profilePage is a page of profiles as sent.
type profilePage struct {
	number, size, total int64
	session             string
	result              *result
	from, to            int // positions in the result
	output              []string
	numericIDs          bool
	withoutTotal        bool
}

// pageOf returns a page of a session, changed by a fault.
func (s *Server) pageOf(p *project, begun *session, number int64, kind Kind) (*profilePage, *refusal) {
	found := begun.result
	if kind == LiveSet && number > 0 {
		var no *refusal
		if found, no = s.find(p, begun.query); no != nil {
			return nil, no
		}
	}
	size := cmp.Or(p.PageSize, defaultPageSize)
	out := &profilePage{
		number: number, size: int64(size), total: int64(found.len()), session: begun.id, result: found, output: begun.query.output,
		from: int(number) * size, numericIDs: p.NumericIDs, withoutTotal: p.TotalOnPage0 && number > 0,
	}
	out.to = out.from + size
	if number > 0 {
		out.move(kind)
	}
	out.from, out.to = min(out.from, found.len()), min(out.to, found.len())
	switch kind {
	case WrongPage:
		out.number++
	case PageShort:
		out.to = max(out.from, out.to-1)
	default:
	}
	return out, nil
}

// move simulates changes of the set during paging.
func (p *profilePage) move(kind Kind) {
	switch kind {
	case TotalMoves:
		p.total += p.number
	case PageRepeats:
		p.from, p.to, p.total = p.from-1, p.to-1, p.total+1
	case PageSkips:
		p.from, p.to, p.total = p.from+1, p.to+1, p.total-1
	default:
	}
}

// lines yields the text of the page: its start, each profile, and its end.
func (p *profilePage) lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !yield(p.head(), nil) {
			return
		}
		for line, err := range p.elements() {
			if !yield(line, err) {
				return
			}
		}
		yield(p.tail(), nil)
	}
}

// head is the text before the profiles.
func (p *profilePage) head() []byte {
	text := strconv.AppendInt([]byte(`{"page":`), p.number, 10)
	text = strconv.AppendInt(append(text, `,"page_size":`...), p.size, 10)
	return append(text, `,"results":[`...)
}

// elements yields the texts of the profiles, with commas before all except the first.
func (p *profilePage) elements() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var text []byte
		for one := range p.profiles() {
			text = p.appendProfile(text, one)
			if !yield(text, nil) {
				return
			}
			text = append(text[:0], ',')
		}
	}
}

// tail is the text after the profiles.
func (p *profilePage) tail() []byte {
	text := append([]byte(`],"session_id":`), quote(p.session)...)
	text = append(text, `,"status":"ok"`...)
	if !p.withoutTotal {
		text = strconv.AppendInt(append(text, `,"total":`...), p.total, 10)
	}
	return append(text, '}')
}

// profiles yields the profiles of the page.
func (p *profilePage) profiles() iter.Seq[Profile] {
	return func(yield func(Profile) bool) {
		if p.result.whole {
			for _, one := range p.result.roster.at(span(p.from, p.to)) {
				if !yield(one) {
					return
				}
			}
			return
		}
		stopped := false
		there := func(next func(int) bool) {
			for _, e := range p.result.entries[p.from:p.to] {
				if e.position >= 0 {
					stopped = !next(e.position)
				} else {
					stopped = !yield(Profile{e.id, "{}"})
				}
				if stopped {
					return
				}
			}
		}
		for _, one := range p.result.roster.at(there) {
			if !yield(one) {
				return
			}
		}
	}
}

// appendProfile appends a profile as it is sent.
func (p *profilePage) appendProfile(text []byte, one Profile) []byte {
	text = append(text, `{"$distinct_id":`...)
	if p.numericIDs && isInteger(one.DistinctID) {
		text = append(text, one.DistinctID...)
	} else {
		text = append(text, quote(one.DistinctID)...)
	}
	text = append(text, `,"$properties":`...)
	return append(append(text, p.properties(one)...), '}')
}

// properties returns the requested properties of a profile.
func (p *profilePage) properties(one Profile) string {
	if len(p.output) > 0 {
		return only(one.Properties, p.output)
	}
	return one.Properties
}

// isInteger reports whether text is a non-negative JSON integer.
func isInteger(text string) bool {
	digits := !slices.ContainsFunc([]byte(text), func(c byte) bool { return c < '0' || c > '9' })
	return digits && text != "" && (text == "0" || text[0] != '0')
}
