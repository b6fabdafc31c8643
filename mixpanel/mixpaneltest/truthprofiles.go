package mixpaneltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ProfileAsk describes what a copy of profiles should hold.
type ProfileAsk struct {
	Project          int64
	Group            string   // the ID of a [Group]; "" for users
	Where            string   // a supported expression, or ""
	DistinctIDs      []string // nil means all
	OutputProperties []string // nil means all
	Cohort           int64    // 0 means none
	OnlyWithProfile  bool     // omits members of the cohort that have no profile
	Behaviors        string
	AsOf             time.Time
}

// ProfileTruth is what a correct copy of profiles holds.
//
// A profile belongs in quarantine if its text is not UTF-8, has a lone surrogate, is nested deeper than 100 or has a
// number that JSON does not allow, or if its ID is missing.
type ProfileTruth struct {
	Rows        []ProfileRow // sorted by distinct ID
	Quarantined []string     // texts of profiles as received; sorted
}

// ProfileRow is a profile as a copy holds it.
type ProfileRow struct {
	DistinctID string
	Properties string // the exact text
	LastSeen   string // the property $last_seen, "" if missing
}

// Profiles returns what a correct copy of ask holds now.
func (s *Server) Profiles(ask ProfileAsk) (ProfileTruth, error) {
	var truth ProfileTruth
	p, q, err := s.queryOf(ask)
	if err != nil {
		return truth, err
	}
	found, no := s.find(p, q)
	if no != nil {
		return truth, errors.New(no.message)
	}
	return p.truthOf(found, q), nil
}

// SessionProfiles returns what a correct copy of a session's pages holds, regardless of later edits. The log of
// requests has the session of each page.
func (s *Server) SessionProfiles(project int64, session string) (ProfileTruth, error) {
	p := s.projects[project]
	if p == nil {
		return ProfileTruth{}, fmt.Errorf("project %d: not known", project)
	}
	s.mu.Lock()
	found := p.sessions[session]
	s.mu.Unlock()
	if found == nil {
		return ProfileTruth{}, fmt.Errorf("project %d: there is no session %q", project, session)
	}
	return p.truthOf(found.result, found.query), nil
}

// truthOf returns what a correct copy of a query's result holds.
func (p *project) truthOf(found *result, q engageQuery) ProfileTruth {
	var truth ProfileTruth
	all := profilePage{result: found, to: found.len(), output: q.output, numericIDs: p.NumericIDs}
	for one := range all.profiles() {
		text := all.appendProfile(nil, one)
		if bad(text, one.DistinctID) {
			truth.Quarantined = append(truth.Quarantined, string(text))
			continue
		}
		properties := all.properties(one)
		truth.Rows = append(truth.Rows, ProfileRow{one.DistinctID, properties, lastSeen(properties)})
	}
	slices.SortFunc(truth.Rows, func(a, b ProfileRow) int { return strings.Compare(a.DistinctID, b.DistinctID) })
	slices.Sort(truth.Quarantined)
	return truth
}

// queryOf returns the query for ask.
func (s *Server) queryOf(ask ProfileAsk) (*project, engageQuery, error) {
	q := engageQuery{
		output: ask.OutputProperties, ids: ask.DistinctIDs, byID: ask.DistinctIDs != nil, group: ask.Group,
		cohort: ask.Cohort, hasProfile: ask.OnlyWithProfile, asOf: ask.AsOf,
	}
	p := s.projects[ask.Project]
	if p == nil {
		return nil, q, fmt.Errorf("project %d: not known", ask.Project)
	}
	var no *refusal
	if q.where, no = parseSelector(ask.Where); no != nil {
		return nil, q, errors.New(no.message)
	}
	if ask.Behaviors != "" {
		var err error
		if q.behaviors, err = parseBehaviors(ask.Behaviors); err != nil {
			return nil, q, err
		}
	}
	return p, q, nil
}

// bad reports whether a correct copy must quarantine the profile with this text and ID.
func bad(text []byte, distinctID string) bool {
	return distinctID == "" || !utf8.Valid(text) || hasLoneSurrogate(text) || nesting(text) > maxNesting || !json.Valid(text)
}

// Members returns the IDs of the members of a cohort, sorted.
func (s *Server) Members(project, cohort int64) ([]string, error) {
	p := s.projects[project]
	if p == nil {
		return nil, fmt.Errorf("project %d: not known", project)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := p.cohort(cohort)
	if c == nil {
		return nil, fmt.Errorf("project %d: there is no cohort %d", project, cohort)
	}
	ids := []string{}
	for id := range c.all(p.rosters[c.Group]) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}
