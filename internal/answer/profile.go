package answer

import (
	"errors"

	"mixduck/internal/jsonscan"
)

// The reasons, beside those of package jsonscan, for which a profile cannot be stored. They are stored beside it, so their
// texts are API.
var (
	ErrNoID         = errors.New("no distinct id")
	ErrNoProperties = errors.New("no properties object")
)

// Profile is one element of a page: a user or group profile, or a member of a cohort. Its slices are valid until the next one.
type Profile struct {
	// DistinctID is the id as text; a number is written exactly as it came. If Reason is set, it can be empty.
	DistinctID string
	// Properties is the exact text of the object; nil if there is none, as for members of a cohort without a profile.
	Properties []byte
	// LastSeen is the property $last_seen as text, "" if there is none. Mixpanel writes it without a zone.
	LastSeen string
	// Extra is the name of the first field that is not known, as written; nil if there is none.
	Extra []byte
	// Text is the whole element, exactly as it came.
	Text []byte
	// Reason is why the profile cannot be stored; nil if it can.
	Reason error
}

// element reads one profile.
type element struct {
	jsonscan.Scanner
	out  *Profile
	id   []byte
	seen []byte // the raw $last_seen
	has  uint8
}

// The fields of a profile that count when they are met first, as bits of element.has.
const (
	hasID = 1 << iota
	hasProfileProperties
	hasLastSeen
)

// read fills out from text, which begins with the profile, and returns the profile's length.
func (e *element) read(text []byte, out *Profile) (length int, err error) {
	*out = Profile{}
	*e = element{Scanner: jsonscan.Scanner{B: text}, out: out}
	e.Object(0, e.field)
	out.DistinctID = string(e.id)
	if e.Err != nil {
		return 0, e.Err
	}
	out.Text = text[:e.I]
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
				e.out.Properties = e.B[start:e.I]
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
	e.Value(2)
	if e.Err == nil && string(key) == "$last_seen" && e.first(hasLastSeen) {
		e.seen = e.B[start:e.I]
	}
}

// first reports whether the field named by bit has not been met before.
func (e *element) first(bit uint8) bool {
	isFirst := e.has&bit == 0
	e.has |= bit
	return isFirst
}

// cut reports whether err can come from text that was cut or mixed up, so that it proves nothing about one profile. NaN and
// Infinity are what some writers of JSON make of numbers: these do not hide a cut.
func (e *element) cut(err error) bool {
	c := jsonscan.At(e.B, e.I)
	return errors.Is(err, jsonscan.ErrJSON) && c != 'N' && c != 'I'
}
