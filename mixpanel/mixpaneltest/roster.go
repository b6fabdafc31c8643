package mixpaneltest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// roster contains the profiles of users, or of one kind of groups, with all edits since the server started. Positions
// count the initial profiles first, then added ones in order. A position is never reused. Data shared with a snapshot
// is copied before a change.
type roster struct {
	source  ProfileSource // never nil
	changed map[int]string
	deleted map[int]bool
	added   []Profile
	shared  bool // with a snapshot
	version int
}

func newRoster(source ProfileSource) *roster {
	if source == nil {
		source = Profiles(nil)
	}
	return &roster{source: source, changed: make(map[int]string), deleted: make(map[int]bool)}
}

// snapshot returns a copy of the current profiles that later changes do not affect.
func (r *roster) snapshot() *roster {
	r.shared = true
	copied := *r
	return &copied
}

// len returns the number of positions.
func (r *roster) len() int { return r.source.Len() + len(r.added) }

// find returns the position of an existing profile.
func (r *roster) find(distinctID string) (position int, ok bool) {
	for i, p := range slices.Backward(r.added) {
		if p.DistinctID == distinctID && !r.deleted[r.source.Len()+i] {
			return r.source.Len() + i, true
		}
	}
	position, ok = r.source.Find(distinctID)
	return position, ok && !r.deleted[position]
}

// put adds or changes a profile.
func (r *roster) put(p Profile) {
	r.own()
	if i, ok := r.find(p.DistinctID); ok {
		r.changed[i] = p.Properties
		return
	}
	r.added = append(r.added, p)
}

// remove deletes a profile, if it exists.
func (r *roster) remove(distinctID string) bool {
	i, ok := r.find(distinctID)
	if ok {
		r.own()
		r.deleted[i] = true
	}
	return ok
}

// own stops sharing data with snapshots, before a change.
func (r *roster) own() {
	r.version++
	if r.shared {
		r.changed, r.deleted, r.added = maps.Clone(r.changed), maps.Clone(r.deleted), slices.Clone(r.added)
		r.shared = false
	}
}

// all yields the current profiles by position.
func (r *roster) all() iter.Seq2[int, Profile] { return r.at(span(0, r.len())) }

// at yields the current profiles at positions, except deleted ones.
func (r *roster) at(positions iter.Seq[int]) iter.Seq2[int, Profile] {
	return func(yield func(int, Profile) bool) {
		begun, current, stopped := r.source.Len(), 0, false
		sourced := func(next func(int) bool) {
			for i := range positions {
				switch {
				case r.deleted[i]:
				case i >= begun:
					stopped = !yield(i, r.now(i, r.added[i-begun]))
				default:
					current = i
					stopped = !next(i)
				}
				if stopped {
					return
				}
			}
		}
		for id, properties := range r.source.At(sourced) {
			if !yield(current, r.now(current, Profile{id, string(properties)})) {
				return
			}
		}
	}
}

// span yields the numbers from from up to but not including to.
func span(from, to int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := from; i < to && yield(i); i++ {
		}
	}
}

// one returns the profile at a position.
func (r *roster) one(position int) (Profile, error) {
	for _, p := range r.at(span(position, position+1)) {
		return p, nil
	}
	return Profile{}, fmt.Errorf("there is no profile at %d", position)
}

func (r *roster) now(position int, p Profile) Profile {
	if text, ok := r.changed[position]; ok {
		p.Properties = text
	}
	return p
}

// members are the members of a cohort, with all edits since the server started.
type members struct {
	Cohort
	joined []string
	left   map[string]bool // and have not rejoined

	version int
}

func newMembers(c Cohort) *members {
	return &members{Cohort: c, joined: slices.Clone(c.Members), left: make(map[string]bool)}
}

func (m *members) clone() *members {
	return &members{Cohort: m.Cohort, joined: slices.Clone(m.joined), left: maps.Clone(m.left), version: m.version}
}

// put makes someone a member.
func (m *members) put(r *roster, distinctID string) {
	m.version++
	delete(m.left, distinctID)
	if !m.has(r, distinctID) {
		m.joined = append(m.joined, distinctID)
	}
}

// remove ends a membership, if it exists.
func (m *members) remove(r *roster, distinctID string) bool {
	if !m.has(r, distinctID) {
		return false
	}
	m.version++
	m.joined = slices.DeleteFunc(slices.Clone(m.joined), func(id string) bool { return id == distinctID })
	m.left[distinctID] = true
	return true
}

// count returns the number of members.
func (m *members) count(r *roster) int {
	n := 0
	for i := 0; m.Every > 0 && i < r.source.Len(); i += m.Every {
		n++
	}
	for _, id := range m.joined {
		if i, ok := r.source.Find(id); !ok || m.Every == 0 || i%m.Every != 0 {
			n++
		}
	}
	for id := range m.left {
		if i, ok := r.source.Find(id); ok && m.Every > 0 && i%m.Every == 0 {
			n--
		}
	}
	return n
}

func (m *members) has(r *roster, distinctID string) bool {
	if slices.Contains(m.joined, distinctID) {
		return true
	}
	i, ok := r.source.Find(distinctID)
	return ok && m.Every > 0 && i%m.Every == 0 && !m.left[distinctID]
}

// all yields the IDs of all members, with the positions of their profiles: -1 for members without one.
func (m *members) all(r *roster) iter.Seq2[string, int] {
	joined := make(map[string]bool, len(m.joined))
	for _, id := range m.joined {
		joined[id] = true
	}
	return func(yield func(string, int) bool) {
		for i := 0; m.Every > 0 && i < r.source.Len(); i += m.Every {
			id, position := r.source.ID(i), i
			if m.left[id] || joined[id] {
				continue
			}
			if r.deleted[i] {
				position = r.positionOf(id)
			}
			if !yield(id, position) {
				return
			}
		}
		for _, id := range m.joined {
			if !yield(id, r.positionOf(id)) {
				return
			}
		}
	}
}

// positionOf returns the position of a profile, -1 if there is none.
func (r *roster) positionOf(distinctID string) int {
	if i, ok := r.find(distinctID); ok {
		return i
	}
	return -1
}
