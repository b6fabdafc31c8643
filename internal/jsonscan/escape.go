package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendText appends a string, decoding its escapes. The string must be without quotes, and accepted by a [Scanner].
func appendText(b, inner []byte) []byte {
	for {
		i := bytes.IndexByte(inner, '\\')
		if i < 0 {
			return append(b, inner...)
		}
		b = append(b, inner[:i]...)
		inner = inner[i:]
		c, length := At(inner, 1), 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(inner)
			if length = 6; utf16.IsSurrogate(rune(r)) {
				low, _ := hex4(inner[min(6, len(inner)):])
				r, length = uint32(utf16.DecodeRune(rune(r), rune(low))), 12
			}
			b = utf8.AppendRune(b, rune(r))
			inner = inner[min(length, len(inner)):]
			continue
		}
		b = append(b, c)
		inner = inner[min(length, len(inner)):]
	}
}

// escape returns the length of the escape sequence at the start of b; a surrogate pair counts as one.
func escape(b []byte) (int, error) {
	switch At(b, 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
	default:
		return 0, ErrJSON
	}
	u, ok := hex4(b)
	switch {
	case !ok:
		return 0, ErrJSON
	case u < 0xD800 || u > 0xDFFF:
		return 6, nil
	case u >= 0xDC00 || At(b, 6) != '\\' || At(b, 7) != 'u':
		return 0, ErrSurrogate
	}
	low, ok := hex4(b[6:])
	switch {
	case !ok:
		return 0, ErrJSON
	case low < 0xDC00 || low > 0xDFFF:
		return 0, ErrSurrogate
	}
	return 12, nil
}

// hex4 reads the four digits of the \uXXXX at the start of b.
func hex4(b []byte) (u uint32, ok bool) {
	if len(b) < 6 {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		u = u<<4 | uint32(c)
	}
	return u, true
}
