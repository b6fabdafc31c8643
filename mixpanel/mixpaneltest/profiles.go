package mixpaneltest

import "iter"

// ProfileSource contains the initial profiles of users, or of one kind of groups. Positions start at 0. It must be
// safe for concurrent use.
type ProfileSource interface {
	// Len returns the number of profiles.
	Len() int
	// Find returns the position of a profile.
	Find(distinctID string) (position int, ok bool)
	// ID returns the ID of the profile at a position.
	ID(position int) string
	// At yields IDs and properties (JSON objects) of the profiles at these positions. The properties are valid until
	// the next iteration.
	At(positions iter.Seq[int]) iter.Seq2[string, []byte]
}

// Profile is a profile as sent.
type Profile struct {
	DistinctID string `json:"distinct_id"`
	Properties string `json:"properties"` // the exact text; not JSON for a bad profile
}

// Profiles is a ProfileSource of given profiles. Their IDs must be distinct.
type Profiles []Profile

// Len returns the number of profiles.
func (p Profiles) Len() int { return len(p) }

// Find returns the position of a profile.
func (p Profiles) Find(distinctID string) (position int, ok bool) {
	for i := range p {
		if p[i].DistinctID == distinctID {
			return i, true
		}
	}
	return 0, false
}

// ID returns the ID of the profile at a position.
func (p Profiles) ID(position int) string { return p[position].DistinctID }

// At yields profiles.
func (p Profiles) At(positions iter.Seq[int]) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range positions {
			if !yield(p[i].DistinctID, []byte(p[i].Properties)) {
				return
			}
		}
	}
}

// Group is a kind of group in a project, such as companies, with their profiles.
type Group struct {
	Key      string // the property that names the group
	ID       string // its data_group_id: digits, possibly above 2^53
	Profiles ProfileSource
}

// Cohort is a saved cohort of a project.
type Cohort struct {
	ID          int64
	Name        string
	Description string
	Created     string // for example 2026-10-01 10:00:00
	Hidden      bool
	Group       string // the ID of a [Group]; "" for a cohort of users
	// Every makes every n-th initial profile a member, starting with the first; 0 means none.
	Every int
	// Members are the IDs of additional members. They do not need a profile.
	Members []string
}
