package jsonscan

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/zeebo/xxh3"
)

// ContentHash returns a hash of a JSON value that is equal for equal content: the order of keys does not count,
// strings are compared without escapes, and numbers by their exact value. Lists keep their order. Text that a
// [Scanner] rejects is hashed unchanged.
func ContentHash(raw []byte) uint64 {
	s := Scanner{B: raw}
	s.I = s.Space(0)
	hash := s.Hash(1)
	if s.Err != nil || s.Space(s.I) != len(raw) {
		return mix('!', xxh3.Hash(raw))
	}
	return hash
}

// Hash reads a value like [Scanner.Value] and returns its [ContentHash].
func (s *Scanner) Hash(depth int) uint64 {
	start := s.I
	switch c := At(s.B, s.I); {
	case c == '{':
		var members uint64
		s.Object(depth, func(key []byte) { members += HashMember(key, s.Hash(depth+1)) })
		return HashObject(members)
	case c == '[':
		list := uint64('[')
		s.Array(depth, func() { list = mix(list, s.Hash(depth+1)) })
		return mix(']', list)
	case c == '"':
		if s.Str(); s.Err != nil {
			return 0
		}
		text := s.B[start+1 : s.I-1]
		if s.Odd {
			var short [256]byte
			text = appendText(short[:0], text)
		}
		return mix('"', xxh3.Hash(text))
	case c == '-' || '0' <= c && c <= '9':
		if s.Number(); s.Err != nil {
			return 0
		}
		var short [64]byte
		return mix('0', xxh3.Hash(AppendNumber(short[:0], s.B[start:s.I])))
	default:
		s.Value(depth)
		return mix(uint64(c), 0)
	}
}

// HashMember returns the hash of a member of an object, and HashObject that of an object from the sum of its members.
func HashMember(key []byte, value uint64) uint64 { return mix(xxh3.Hash(key), value) }

// HashObject is described at [HashMember].
func HashObject(members uint64) uint64 { return mix('{', members) }

func mix(a, b uint64) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], a)
	binary.LittleEndian.PutUint64(both[8:], b)
	return xxh3.Hash(both[:])
}

// AppendNumber appends a number in a canonical form: its digits, without leading and trailing zeros, and the exponent
// of the last one.
func AppendNumber(b, raw []byte) []byte {
	mantissa, exponent := raw, 0
	if i := bytes.IndexAny(raw, "eE"); i >= 0 {
		var err error
		mantissa = raw[:i]
		if exponent, err = strconv.Atoi(string(raw[i+1:])); err != nil { // out of range: compared as written
			return append(append(append(b, '#'), raw...), ';')
		}
	}
	digits, negative := bytes.CutPrefix(mantissa, []byte{'-'})
	whole, fraction, _ := bytes.Cut(digits, []byte{'.'})
	start := len(b)
	b = append(b, '0')
	if negative {
		b = append(b, '-')
	}
	from := len(b)
	b = append(append(b, whole...), fraction...)
	all := bytes.TrimLeft(b[from:], "0")
	significant := bytes.TrimRight(all, "0")
	if len(significant) == 0 {
		return append(b[:start], "0;"...)
	}
	exponent += len(all) - len(significant) - len(fraction)
	b = append(append(b[:from], significant...), 'e')
	return append(strconv.AppendInt(b, int64(exponent), 10), ';')
}
