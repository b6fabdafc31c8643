// Package jsonscan scans JSON text without copying it: it proves that the text is JSON that every reader of the
// database can handle, and finds its parts. It does not know what the text means.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// MaxDepth is the maximum nesting of objects and arrays. DuckDB's JSON functions crash the process on very deep
// values; real data never comes near the limit.
const MaxDepth = 100

// The reasons for rejecting text. They are stored with the text, so their messages are API.
var (
	ErrJSON      = errors.New("not valid JSON")
	ErrUTF8      = errors.New("not valid UTF-8")
	ErrSurrogate = errors.New("lone surrogate in a string")
	ErrDepth     = fmt.Errorf("nested deeper than %d levels", MaxDepth)
)

// Scanner scans a text. It is optimized for speed: the whole text is read once, eight bytes at a time inside strings,
// and nothing is copied. It accepts exactly what encoding/json accepts (verified by a fuzz test of package eventline),
// except invalid UTF-8, lone surrogates and too deeply nested values.
type Scanner struct {
	B        []byte
	I        int   // next byte
	Odd      bool  // the last string has escapes
	Fraction bool  // the last number has a fraction or an exponent
	Err      error // the first error; then all methods return at once
}

// Text returns a valid JSON value as text: a string without quotes and escapes, nothing for null, anything else as
// written.
func Text(raw []byte) []byte {
	if raw[0] != '"' {
		if raw[0] == 'n' {
			return nil
		}
		return raw
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return slices.Clip(inner)
	}
	return appendText(make([]byte, 0, len(inner)), inner)
}

// At returns b[i], or 0 past the end.
func At(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// Fail records an error, unless there is one already.
func (s *Scanner) Fail(err error) {
	if s.Err == nil {
		s.Err = err
	}
}

// Space returns the index of the first byte from i on that is not white space.
func (s *Scanner) Space(i int) int {
	for i < len(s.B) && s.B[i] <= ' ' && (s.B[i] == ' ' || s.B[i] == '\t' || s.B[i] == '\n' || s.B[i] == '\r') {
		i++
	}
	return i
}

// Eat consumes white space and then c.
func (s *Scanner) Eat(c byte) bool {
	if s.I < len(s.B) && s.B[s.I] == c { // Mixpanel does not write white space
		s.I++
		return true
	}
	s.I = s.Space(s.I)
	if At(s.B, s.I) != c {
		return false
	}
	s.I++
	return true
}

// Object reads an object and calls field with each key. field must consume the value, which starts at s.I.
func (s *Scanner) Object(depth int, field func(key []byte)) {
	if !s.open('{', depth) || s.Eat('}') {
		return
	}
	for s.Err == nil {
		s.I = s.Space(s.I)
		start := s.I + 1
		s.Str()
		if s.Err != nil {
			return
		}
		key := s.B[start : s.I-1]
		if s.Odd {
			key = Text(s.B[start-1 : s.I])
		}
		if !s.Eat(':') {
			s.Fail(ErrJSON)
			return
		}
		s.I = s.Space(s.I)
		field(key)
		if s.Err != nil || s.Eat('}') {
			return
		}
		if !s.Eat(',') {
			s.Fail(ErrJSON)
		}
	}
}

// open consumes the opening bracket of an object or array at the given depth.
func (s *Scanner) open(c byte, depth int) bool {
	if !s.Eat(c) {
		s.Fail(ErrJSON)
		return false
	}
	if depth >= MaxDepth {
		s.Fail(ErrDepth)
		return false
	}
	return true
}

// Value reads any value, depth levels deep.
func (s *Scanner) Value(depth int) {
	switch c := At(s.B, s.I); {
	case c == '"':
		s.Str()
	case c == '{':
		s.Object(depth, func([]byte) { s.Value(depth + 1) })
	case c == '[':
		s.Array(depth, func() { s.Value(depth + 1) })
	case c == '-' || '0' <= c && c <= '9':
		s.Number()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.Fail(ErrJSON)
	}
}

// Array reads an array. element must consume each element, which starts at s.I.
func (s *Scanner) Array(depth int, element func()) {
	if !s.open('[', depth) || s.Eat(']') {
		return
	}
	for s.Err == nil {
		s.I = s.Space(s.I)
		element()
		if s.Err != nil || s.Eat(']') {
			return
		}
		if !s.Eat(',') {
			s.Fail(ErrJSON)
		}
	}
}

func (s *Scanner) word(w string) {
	if len(s.B)-s.I < len(w) || string(s.B[s.I:s.I+len(w)]) != w {
		s.Fail(ErrJSON)
		return
	}
	s.I += len(w)
}

// Number reads -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *Scanner) Number() {
	s.Fraction = false
	if s.B[s.I] == '-' {
		s.I++
	}
	if At(s.B, s.I) == '0' {
		s.I++
	} else {
		s.digits()
	}
	if At(s.B, s.I) == '.' {
		s.Fraction = true
		s.I++
		s.digits()
	}
	if c := At(s.B, s.I); c == 'e' || c == 'E' {
		s.Fraction = true
		s.I++
		if c := At(s.B, s.I); c == '+' || c == '-' {
			s.I++
		}
		s.digits()
	}
}

// digits reads one or more digits.
func (s *Scanner) digits() {
	start := s.I
	for s.I < len(s.B) && '0' <= s.B[s.I] && s.B[s.I] <= '9' {
		s.I++
	}
	if s.I == start {
		s.Fail(ErrJSON)
	}
}

// Str reads a string from its opening to its closing quote.
func (s *Scanner) Str() {
	if At(s.B, s.I) != '"' {
		s.Fail(ErrJSON)
		return
	}
	b, i := s.B, s.I+1
	s.Odd = false
	for {
		for i+8 <= len(b) {
			if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			s.Fail(ErrJSON)
			return
		}
		switch c := b[i]; {
		case c == '"':
			s.I = i + 1
			return
		case c == '\\':
			n, err := escape(b[i:])
			if err != nil {
				s.Fail(err)
				return
			}
			i += n
			s.Odd = true
		case c < ' ':
			s.Fail(ErrJSON)
			return
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				s.Fail(ErrUTF8)
				return
			}
			i += n
		}
	}
}

// special marks, in the top bit of each byte, the bytes of w that end a run of plain ASCII inside a string: quote,
// backslash, control characters and bytes from 0x80. Only the lowest mark is exact, because a borrow can affect the
// bytes above it.
func special(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash | w) & tops
}
