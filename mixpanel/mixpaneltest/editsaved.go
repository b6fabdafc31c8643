package mixpaneltest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// PutAnnotation adds an annotation, or changes the one with this ID.
func (s *Server) PutAnnotation(id int64, a Annotation) error {
	return s.editSaved(id, func(p *project) error {
		if a.ID <= 0 {
			return errors.New("an annotation needs a positive id")
		}
		p.saved.annotations.put(a)
		return nil
	})
}

// DeleteAnnotation deletes an annotation.
func (s *Server) DeleteAnnotation(id, annotation int64) error {
	return s.editSaved(id, func(p *project) error { return p.saved.annotations.remove(strconv.FormatInt(annotation, 10)) })
}

// PutLexicon adds a Lexicon entry, or changes the one of this kind and name.
func (s *Server) PutLexicon(id int64, e LexiconEntry) error {
	return s.editSaved(id, func(p *project) error {
		if e.Kind == "" || len(e.Schema) == 0 {
			return errors.New("an entry of Lexicon needs a kind and a schema")
		}
		p.saved.lexicon.put(e)
		return nil
	})
}

// DeleteLexicon deletes a Lexicon entry.
func (s *Server) DeleteLexicon(id int64, kind, name string) error {
	return s.editSaved(id, func(p *project) error { return p.saved.lexicon.remove(LexiconEntry{Kind: kind, Name: name}.key()) })
}

// PutBookmark adds a saved report, or changes the one with this ID.
func (s *Server) PutBookmark(id int64, b Bookmark) error {
	return s.editSaved(id, func(p *project) error {
		if b.ID <= 0 || b.Type == "" {
			return errors.New("a saved report needs a positive id and a type")
		}
		p.saved.bookmarks.put(b)
		return nil
	})
}

// DeleteBookmark deletes a saved report.
func (s *Server) DeleteBookmark(id, bookmark int64) error {
	return s.editSaved(id, func(p *project) error { return p.saved.bookmarks.remove(strconv.FormatInt(bookmark, 10)) })
}

// PutFunnel adds a saved funnel, or changes the one with this ID.
func (s *Server) PutFunnel(id int64, f Funnel) error {
	return s.editSaved(id, func(p *project) error {
		if f.ID <= 0 || f.Name == "" || len(f.Steps) == 0 {
			return errors.New("a funnel needs a positive id, a name and steps")
		}
		p.saved.funnels.put(f)
		return nil
	})
}

// DeleteFunnel deletes a saved funnel.
func (s *Server) DeleteFunnel(id, funnel int64) error {
	return s.editSaved(id, func(p *project) error { return p.saved.funnels.remove(strconv.FormatInt(funnel, 10)) })
}

// PutCohort adds a cohort, or changes everything of the one with this ID except who has joined and left.
func (s *Server) PutCohort(id int64, c Cohort) error {
	return s.editSaved(id, func(p *project) error {
		if c.ID <= 0 || c.Every < 0 || p.rosters[c.Group] == nil {
			return errors.New("a cohort needs a positive id and a group that there is")
		}
		if old := p.cohort(c.ID); old != nil {
			old.Cohort = c
			old.version++
			return nil
		}
		p.cohorts = append(p.cohorts, newMembers(c))
		return nil
	})
}

// DeleteCohort deletes a cohort.
func (s *Server) DeleteCohort(id, cohort int64) error {
	return s.editSaved(id, func(p *project) error {
		i := slices.IndexFunc(p.cohorts, func(m *members) bool { return m.ID == cohort })
		if i < 0 {
			return fmt.Errorf("there is no cohort %d", cohort)
		}
		p.cohorts = slices.Delete(slices.Clone(p.cohorts), i, i+1)
		return nil
	})
}

// editSaved changes what is saved in a project.
func (s *Server) editSaved(id int64, change func(*project) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[id]
	if p == nil {
		return fmt.Errorf("project %d: not known", id)
	}
	if err := change(p); err != nil {
		return fmt.Errorf("project %d: %w", id, err)
	}
	return nil
}
