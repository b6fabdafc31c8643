package mixpaneltest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"mixduck/internal/day"
)

const (
	defaultPageSize   = 1000
	defaultSessionTTL = time.Hour
)

// session is a query for profiles with available pages, and its result at the time of the request for page 0.
type session struct {
	id     string
	params string // required in the requests for all its pages
	begun  time.Time
	query  engageQuery
	result *result
}

// result is the result of a query for profiles.
type result struct {
	roster *roster
	// whole means that the result is all positions of the roster, without gaps. Otherwise positions are those found,
	// and profiles are those that no longer exist or never did.
	whole   bool
	entries []entry
	packs   *packs // of all pages; nil for none
	// membersVersion is the version of the cohort's members.
	membersVersion int
}

// entry is a profile of a result: one at a position of the roster, or a member without a profile, with position -1.
type entry struct {
	position int
	id       string // for members only
}

func (r *result) len() int {
	if r.whole {
		return r.roster.len()
	}
	return len(r.entries)
}

// uncached is the response to a request for a page of a missing session, or of a session of another query. The text is
// from Mixpanel's OpenAPI description of the Query API.
func uncached() *refusal {
	return wrapped(http.StatusBadRequest, "request for page in uncached query for params")
}

// sessionOf returns the session of a request: a new one for page 0.
func (s *Server) sessionOf(p *project, q engageQuery, form url.Values) (*session, *refusal) {
	params := make(url.Values)
	for key, v := range form {
		if key != "page" && key != "session_id" {
			params[key] = v
		}
	}
	now := s.now()
	if q.page > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		found := p.sessions[q.sessionID]
		if found == nil || found.params != params.Encode() || now.Sub(found.begun) >= s.sessionTTL ||
			len(q.behaviors) > 0 && q.asOf.IsZero() {
			return nil, uncached()
		}
		return found, nil
	}
	found, no := s.find(p, q)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextSession++
	begun := &session{id: fmt.Sprintf("%d-%08x", now.Unix(), s.nextSession), params: params.Encode(), begun: now, query: q, result: found}
	if p.sessions == nil {
		p.sessions = make(map[string]*session)
	}
	for id, old := range p.sessions {
		if now.Sub(old.begun) >= s.sessionTTL {
			delete(p.sessions, id)
		}
	}
	p.sessions[begun.id] = begun
	return begun, nil
}

// find runs a query for profiles.
func (s *Server) find(p *project, q engageQuery) (*result, *refusal) {
	s.mu.Lock()
	r, ok := p.rosters[q.group]
	if !ok {
		s.mu.Unlock()
		return nil, wrapped(http.StatusBadRequest, "there is no data group %s", q.group)
	}
	if packed := p.packedNow(&q); packed != nil {
		s.mu.Unlock()
		return packed, nil
	}
	found := &result{roster: r.snapshot()}
	var in *members
	if q.cohort != 0 {
		c := p.cohort(q.cohort)
		if c == nil || c.Group != q.group {
			s.mu.Unlock()
			return nil, wrapped(http.StatusBadRequest, "there is no cohort %d", q.cohort)
		}
		in = c.clone()
		found.membersVersion = c.version
	}
	s.mu.Unlock()
	counts, err := s.count(p, q)
	if err != nil {
		return nil, wrapped(http.StatusBadRequest, "this stand-in cannot serve that: %v", err)
	}
	takes := func(p Profile) bool { return q.where.takes(p, counts) }
	switch {
	case in != nil:
		found.members(in, q, takes)
	case q.byID:
		for _, id := range slices.Compact(slices.Sorted(slices.Values(q.ids))) {
			if i, ok := found.roster.find(id); ok {
				if one, err := found.roster.one(i); err == nil && takes(one) {
					found.entries = append(found.entries, entry{position: i})
				}
			}
		}
	case len(q.where) == 0 && len(found.roster.deleted) == 0:
		found.whole = true
	default:
		for i, one := range found.roster.all() {
			if takes(one) {
				found.entries = append(found.entries, entry{position: i})
			}
		}
	}
	return found, nil
}

// members finds the members of a cohort.
func (r *result) members(in *members, q engageQuery, takes func(Profile) bool) {
	for id, position := range in.all(r.roster) {
		if position < 0 && q.hasProfile {
			continue
		}
		if len(q.where) > 0 {
			one := Profile{DistinctID: id}
			if position >= 0 {
				one, _ = r.roster.one(position) // it exists
			}
			if !takes(one) {
				continue
			}
		}
		r.entries = append(r.entries, entry{position: position, id: id})
	}
}

// count returns the counts of a query's behaviors, by behavior and user.
func (s *Server) count(p *project, q engageQuery) (map[string]map[string]int, error) {
	counts := make(map[string]map[string]int, len(q.behaviors))
	at := q.asOf
	if at.IsZero() {
		at = s.now()
	}
	last := day.Of(at.UTC())
	for _, b := range q.behaviors {
		c := call{server: s, project: p}
		for _, one := range b.Selectors {
			c.filter.events = append(c.filter.events, one.Event)
		}
		counts[b.Name] = make(map[string]int)
		for row, err := range c.rows(day.Range{From: last - day.Day(b.days) + 1, To: last}) {
			if err != nil {
				return nil, err
			}
			if !row.Time.After(at) {
				counts[b.Name][row.DistinctID]++
			}
		}
	}
	return counts, nil
}

func validateTTL(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("session TTL %s is negative", d)
	}
	return nil
}
