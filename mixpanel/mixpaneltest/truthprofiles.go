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

// ProfileAsk is what a copy of profiles was asked to hold.
type ProfileAsk struct {
	Project          int64
	Group            string   // the ID of a [Group]; "" for users
	Where            string   // one of the expressions that the server knows, or ""
	DistinctIDs      []string // nil means all
	OutputProperties []string // nil means all
	Cohort           int64    // 0 means none
	OnlyWithProfile  bool     // leaves out members of the cohort that have no profile
	Behaviors        string
	AsOf             time.Time
}

// ProfileTruth is what a correct copy of profiles holds.
//
// A profile belongs in quarantine if its text is not UTF-8, has a lone surrogate, is nested deeper than 100 or has a number that JSON does
// not have, or if its id is missing.
type ProfileTruth struct {
	Rows        []ProfileRow // by distinct id
	Quarantined []string     // texts of profiles, as they came; sorted
}

// ProfileRow is a profile as a copy holds it.
type ProfileRow struct {
	DistinctID string
	Properties string // the exact text
	LastSeen   string // the property $last_seen, "" if it is missing
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

// SessionProfiles returns what a correct copy holds that was made from the pages of a session, whatever was edited meanwhile. The log of
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

// truthOf returns what a correct copy of the result of a query holds.
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

// queryOf returns the query that ask is.
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

// bad reports whether a correct copy must quarantine the profile of that text and id.
func bad(text []byte, distinctID string) bool {
	return distinctID == "" || !utf8.Valid(text) || hasLoneSurrogate(text) || nesting(text) > maxNesting || !json.Valid(text)
}

// Members returns the ids of the members of a cohort, sorted.
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
