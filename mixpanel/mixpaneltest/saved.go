package mixpaneltest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Annotation is a note at a point in time, as sent.
type Annotation struct {
	ID          int64           `json:"id"`
	Date        string          `json:"date"` // in the project's zone: 2026-10-01 10:00:00
	Description string          `json:"description"`
	User        *AnnotationUser `json:"user,omitempty"`
	Tags        []AnnotationTag `json:"tags,omitempty"`
}

// AnnotationUser is the author of an annotation.
type AnnotationUser struct {
	ID        int64  `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// AnnotationTag is a tag of an annotation.
type AnnotationTag struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// LexiconEntry is Lexicon's information about an event or about profiles, as sent.
type LexiconEntry struct {
	Kind   string          `json:"entityType"` // event or profile
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schemaJson"`
}

func (e LexiconEntry) key() string { return e.Kind + " " + e.Name }

// Bookmark is a saved report.
type Bookmark struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type"` // such as insights
	Created string `json:"created"`
	// Series is the result of the report, if it is an Insights report.
	Series json.RawMessage `json:"-"`
}

// LookupTable is a table with which Mixpanel enriches events.
type LookupTable struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// shelf contains saved things of a project, in the order in which they were added.
type shelf[T any] struct {
	what  string
	key   func(T) string
	items []T
}

// put adds a thing, or changes the one with the same key.
func (s *shelf[T]) put(item T) {
	items := slices.Clone(s.items)
	if i := s.find(s.key(item)); i >= 0 {
		items[i] = item
	} else {
		items = append(items, item)
	}
	s.items = items
}

func (s *shelf[T]) remove(key string) error {
	i := s.find(key)
	if i < 0 {
		return fmt.Errorf("there is no %s %s", s.what, key)
	}
	s.items = slices.Delete(slices.Clone(s.items), i, i+1)
	return nil
}

func (s *shelf[T]) find(key string) int {
	return slices.IndexFunc(s.items, func(item T) bool { return s.key(item) == key })
}

// saved contains the saved data of a project.
type saved struct {
	annotations shelf[Annotation]
	lexicon     shelf[LexiconEntry]
	bookmarks   shelf[Bookmark]
	funnels     shelf[Funnel]
	lookups     shelf[LookupTable]
}

func newSaved(p Project) saved {
	id := func(n int64) string { return strconv.FormatInt(n, 10) }
	return saved{
		shelf[Annotation]{"annotation", func(a Annotation) string { return id(a.ID) }, p.Annotations},
		shelf[LexiconEntry]{"lexicon entry", LexiconEntry.key, p.Lexicon},
		shelf[Bookmark]{"bookmark", func(b Bookmark) string { return id(b.ID) }, p.Bookmarks},
		shelf[Funnel]{"funnel", func(f Funnel) string { return id(f.ID) }, p.Funnels},
		shelf[LookupTable]{"lookup table", func(l LookupTable) string { return l.ID }, p.LookupTables},
	}
}

// Annotations returns the annotations that a correct copy holds, sorted by ID.
func (s *Server) Annotations(id int64) ([]Annotation, error) {
	return held(s, id, func(p *project) []Annotation {
		return slices.SortedFunc(slices.Values(p.saved.annotations.items), func(a, b Annotation) int { return cmp.Compare(a.ID, b.ID) })
	})
}

// Lexicon returns the entries that a correct copy holds, sorted by kind and name.
func (s *Server) Lexicon(id int64) ([]LexiconEntry, error) {
	return held(s, id, func(p *project) []LexiconEntry {
		return slices.SortedFunc(slices.Values(p.saved.lexicon.items), func(a, b LexiconEntry) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
		})
	})
}

// Bookmarks returns the saved reports that a correct copy holds, sorted by ID.
func (s *Server) Bookmarks(id int64) ([]Bookmark, error) {
	return held(s, id, func(p *project) []Bookmark {
		return slices.SortedFunc(slices.Values(p.saved.bookmarks.items), func(a, b Bookmark) int { return cmp.Compare(a.ID, b.ID) })
	})
}

// Funnels returns the saved funnels that a correct copy holds, sorted by ID.
func (s *Server) Funnels(id int64) ([]Funnel, error) {
	return held(s, id, func(p *project) []Funnel {
		return slices.SortedFunc(slices.Values(p.saved.funnels.items), func(a, b Funnel) int { return cmp.Compare(a.ID, b.ID) })
	})
}

// LookupTables returns the lookup tables that a correct copy holds, sorted by ID.
func (s *Server) LookupTables(id int64) ([]LookupTable, error) {
	return held(s, id, func(p *project) []LookupTable {
		return slices.SortedFunc(slices.Values(p.saved.lookups.items), func(a, b LookupTable) int { return strings.Compare(a.ID, b.ID) })
	})
}

// SavedCohort is a cohort as a copy holds it.
type SavedCohort struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Created     string `json:"created"`
	Count       int    `json:"count"`
	Visible     int    `json:"is_visible"` // 0 or 1
	Project     int64  `json:"project_id"`
	Group       string `json:"data_group_id,omitempty"`
}

// Cohorts returns the cohorts that a correct copy holds, sorted by ID.
func (s *Server) Cohorts(id int64) ([]SavedCohort, error) {
	return held(s, id, func(p *project) []SavedCohort {
		return slices.SortedFunc(slices.Values(p.savedCohorts()), func(a, b SavedCohort) int { return cmp.Compare(a.ID, b.ID) })
	})
}

// savedCohorts returns the cohorts in the order in which they were added. The caller holds the server's mutex.
func (p *project) savedCohorts() []SavedCohort {
	all := make([]SavedCohort, 0, len(p.cohorts))
	for _, c := range p.cohorts {
		one := SavedCohort{
			ID: c.ID, Name: c.Name, Description: c.Description, Created: c.Created, Count: c.count(p.rosters[c.Group]),
			Visible: 1, Project: p.ID, Group: c.Group,
		}
		if c.Hidden {
			one.Visible = 0
		}
		all = append(all, one)
	}
	return all
}

// held returns a part of a project.
func held[T any](s *Server, id int64, part func(*project) T) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[id]
	if p == nil {
		var none T
		return none, fmt.Errorf("project %d: not known", id)
	}
	return part(p), nil
}
