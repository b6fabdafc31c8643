package answer

import (
	"errors"

	"mixduck/internal/jsonscan"
)

// Reasons why a profile cannot be stored, in addition to those of package jsonscan. Their texts are stored, so they are API.
var (
	ErrNoID         = errors.New("no distinct id")
	ErrNoProperties = errors.New("no properties object")
)

// Profile is one element of a page: a user or group profile, or a cohort member. Its slices are valid until the next call of Next.
type Profile struct {
	// DistinctID is the ID as text. A number keeps its exact digits. It can be empty if Reason is set.
	DistinctID string
	// Properties is the exact text of the object. It is nil for cohort members without a profile.
	Properties []byte
	// Offset is the number of bytes of the page before Properties.
	Offset int64
	// ContentHash is the [jsonscan.ContentHash] of Properties, or of {} if there are none. It is 0 unless [Page.Hash] is set.
	ContentHash uint64
	// LastSeen is the property $last_seen as text, or "". Mixpanel sends it without a time zone.
	LastSeen string
	// Extra is the name of the first unknown field, or nil.
	Extra []byte
	// Text is the exact text of the element.
	Text []byte
	// Reason says why the profile cannot be stored. It is nil if it can.
	Reason error
}

// element reads one profile.
type element struct {
	jsonscan.Scanner
	out     *Profile
	hash    bool   // whether to compute ContentHash
	members uint64 // the sum of their hashes
	id      []byte
	seen    []byte // the raw $last_seen
	has     uint8
}

// Fields of a profile of which only the first occurrence counts, as bits of element.has.
const (
	hasID = 1 << iota
	hasProfileProperties
	hasLastSeen
)

// read fills out from the profile at the start of text, and returns the profile's length.
func (e *element) read(text []byte, out *Profile) (length int, err error) {
	*out = Profile{}
	*e = element{Scanner: jsonscan.Scanner{B: text}, out: out, hash: e.hash}
	e.Object(0, e.field)
	out.DistinctID = string(e.id)
	if e.Err != nil {
		return 0, e.Err
	}
	out.Text = text[:e.I]
	if e.hash {
		out.ContentHash = jsonscan.HashObject(e.members)
	}
	if e.seen != nil {
		out.LastSeen = string(jsonscan.Text(e.seen))
	}
	switch {
	case len(e.id) == 0:
		out.Reason = ErrNoID
	case e.has&hasProfileProperties != 0 && out.Properties == nil:
		out.Reason = ErrNoProperties
	}
	return e.I, nil
}

func (e *element) field(key []byte) {
	start := e.I
	switch string(key) {
	case "$distinct_id":
		e.Value(1)
		if e.Err == nil && e.first(hasID) {
			if c := e.B[start]; c == '"' || c == '-' || '0' <= c && c <= '9' {
				e.id = jsonscan.Text(e.B[start:e.I])
			}
		}
	case "$properties":
		switch c := jsonscan.At(e.B, start); {
		case c == 'n':
			e.Value(1)
		case c == '{' && e.first(hasProfileProperties):
			e.Object(1, e.property)
			if e.Err == nil {
				e.out.Properties, e.out.Offset = e.B[start:e.I], int64(start)
			}
		default:
			e.has |= hasProfileProperties
			e.Value(1)
		}
	default:
		e.Value(1)
		if e.out.Extra == nil {
			e.out.Extra = key
		}
	}
}

func (e *element) property(key []byte) {
	start := e.I
	if e.hash {
		e.members += jsonscan.HashMember(key, e.Hash(2))
	} else {
		e.Value(2)
	}
	if e.Err == nil && string(key) == "$last_seen" && e.first(hasLastSeen) {
		e.seen = e.B[start:e.I]
	}
}

// first reports whether the field of bit has not been seen before.
func (e *element) first(bit uint8) bool {
	isFirst := e.has&bit == 0
	e.has |= bit
	return isFirst
}

// cut reports whether err can come from text that was cut or mixed up. Such an error proves nothing about a single
// profile. Some JSON writers produce NaN and Infinity as numbers; these do not hide a cut.
func (e *element) cut(err error) bool {
	c := jsonscan.At(e.B, e.I)
	return errors.Is(err, jsonscan.ErrJSON) && c != 'N' && c != 'I'
}
