package mixpaneltest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PutProfile adds or changes a user profile, or with the ID of a [Group], a group profile.
func (s *Server) PutProfile(project int64, group string, p Profile) error {
	return s.editRoster(project, group, func(r *roster) error {
		if p.DistinctID == "" || p.Properties == "" {
			return errors.New("a profile needs an id and properties")
		}
		r.put(p)
		return nil
	})
}

// DeleteProfile deletes a profile. The user, or the group, stays a member of cohorts.
func (s *Server) DeleteProfile(project int64, group, distinctID string) error {
	return s.editRoster(project, group, func(r *roster) error {
		if !r.remove(distinctID) {
			return fmt.Errorf("there is no profile %q", distinctID)
		}
		return nil
	})
}

// ChangeProfiles adds or changes the property "~edit" of every n-th profile, and returns the number of changed
// profiles.
func (s *Server) ChangeProfiles(project int64, group string, every int) (int, error) {
	changed := 0
	err := s.editRoster(project, group, func(r *roster) error {
		if every <= 0 {
			return fmt.Errorf("every %d is not positive", every)
		}
		r.own()
		text := strconv.Itoa(r.version)
		for i := 0; i < r.len(); i += every {
			if r.deleted[i] {
				continue
			}
			p, err := r.one(i)
			if err != nil {
				return err
			}
			const key = `{"~edit":"`
			rest, ok := strings.CutPrefix(p.Properties, key)
			if ok {
				_, rest, _ = strings.Cut(rest, ",")
			} else {
				rest = strings.TrimPrefix(p.Properties, "{")
			}
			r.changed[i] = key + text + `",` + rest
			changed++
		}
		return nil
	})
	return changed, err
}

// editRoster changes profiles.
func (s *Server) editRoster(project int64, group string, change func(*roster) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[project]
	if p == nil {
		return fmt.Errorf("project %d: not known", project)
	}
	r := p.rosters[group]
	if r == nil {
		return fmt.Errorf("project %d: there is no group %q", project, group)
	}
	return change(r)
}

// PutMember makes a user, or a group, a member of a cohort.
func (s *Server) PutMember(project, cohort int64, distinctID string) error {
	return s.editMembers(project, cohort, func(m *members, r *roster) error {
		if distinctID == "" {
			return errors.New("a member needs an id")
		}
		m.put(r, distinctID)
		return nil
	})
}

// DeleteMember ends a membership.
func (s *Server) DeleteMember(project, cohort int64, distinctID string) error {
	return s.editMembers(project, cohort, func(m *members, r *roster) error {
		if !m.remove(r, distinctID) {
			return fmt.Errorf("cohort %d has no member %q", cohort, distinctID)
		}
		return nil
	})
}

// editMembers changes the members of a cohort.
func (s *Server) editMembers(project, cohort int64, change func(*members, *roster) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[project]
	if p == nil {
		return fmt.Errorf("project %d: not known", project)
	}
	c := p.cohort(cohort)
	if c == nil {
		return fmt.Errorf("project %d: there is no cohort %d", project, cohort)
	}
	return change(c, p.rosters[c.Group])
}

// EndSessions ends all queries for profiles, so their pages are no longer available. It returns their number.
func (s *Server) EndSessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.projects {
		n += len(p.sessions)
		clear(p.sessions)
	}
	return n
}
