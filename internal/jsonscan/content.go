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
	h := contentHasher{Scanner: Scanner{B: raw}}
	h.I = h.Space(0)
	hash := h.value(1)
	if h.Err != nil || h.Space(h.I) != len(raw) {
		return mix('!', xxh3.Hash(raw))
	}
	return hash
}

type contentHasher struct {
	Scanner
	number [64]byte
}

// value hashes the next value, depth levels deep.
func (h *contentHasher) value(depth int) uint64 {
	start := h.I
	switch c := At(h.B, h.I); {
	case c == '{':
		var sum uint64 // does not depend on the order
		h.Object(depth, func(key []byte) {
			name := xxh3.Hash(key)
			sum += mix(name, h.value(depth+1))
		})
		return mix('{', sum)
	case c == '[':
		list := uint64('[')
		h.Array(depth, func() { list = mix(list, h.value(depth+1)) })
		return mix(']', list)
	case c == '"':
		if h.Str(); h.Err != nil {
			return 0
		}
		return mix('"', xxh3.Hash(Text(h.B[start:h.I])))
	case c == '-' || '0' <= c && c <= '9':
		if h.Number(); h.Err != nil {
			return 0
		}
		return mix('0', xxh3.Hash(AppendNumber(h.number[:0], h.B[start:h.I])))
	default:
		h.Value(depth)
		return mix(uint64(c), 0)
	}
}

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
