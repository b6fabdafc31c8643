package eventline

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// parser walks over one line. It is written for speed: the whole line is read once, eight bytes at a time inside
// strings, and nothing is copied. It accepts exactly what encoding/json accepts (a fuzz test holds it to that), less
// invalid UTF-8, lone surrogates and what is nested too deeply.
type parser struct {
	b    []byte
	i    int // next byte
	e    *Event
	keys *Keys // whose values are kept; nil for none
	seen uint8
	odd  bool  // the last string has escapes
	err  error // the first error; everything returns at once after it
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// space returns the index of the first byte from i on that is no white space.
func (p *parser) space(i int) int {
	for i < len(p.b) && p.b[i] <= ' ' && (p.b[i] == ' ' || p.b[i] == '\t' || p.b[i] == '\n' || p.b[i] == '\r') {
		i++
	}
	return i
}

// eat consumes white space and then c.
func (p *parser) eat(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c { // exports have no white space
		p.i++
		return true
	}
	p.i = p.space(p.i)
	if e0(p.b, p.i) != c {
		return false
	}
	p.i++
	return true
}

// object reads an object and calls field with each key; field has to consume the value, which starts at p.i.
func (p *parser) object(depth int, field func(key []byte)) {
	if !p.open('{', depth) || p.eat('}') {
		return
	}
	for p.err == nil {
		p.i = p.space(p.i)
		start := p.i + 1
		p.str()
		if p.err != nil {
			return
		}
		key := p.b[start : p.i-1]
		if p.odd {
			key = text(p.b[start-1 : p.i])
		}
		if !p.eat(':') {
			p.fail(ErrJSON)
			return
		}
		p.i = p.space(p.i)
		field(key)
		if p.err != nil || p.eat('}') {
			return
		}
		if !p.eat(',') {
			p.fail(ErrJSON)
		}
	}
}

// open consumes the bracket that begins an object or array at the given depth.
func (p *parser) open(c byte, depth int) bool {
	if !p.eat(c) {
		p.fail(ErrJSON)
		return false
	}
	if depth >= MaxDepth {
		p.fail(ErrDepth)
		return false
	}
	return true
}

// value reads any value, which lies depth levels deep.
func (p *parser) value(depth int) {
	switch c := e0(p.b, p.i); {
	case c == '"':
		p.str()
	case c == '{':
		p.object(depth, func([]byte) { p.value(depth + 1) })
	case c == '[':
		p.array(depth, func() { p.value(depth + 1) })
	case c == '-' || '0' <= c && c <= '9':
		p.number()
	case c == 't':
		p.word("true")
	case c == 'f':
		p.word("false")
	case c == 'n':
		p.word("null")
	default:
		p.fail(ErrJSON)
	}
}

// array reads an array; element has to consume each element, which starts at p.i.
func (p *parser) array(depth int, element func()) {
	if !p.open('[', depth) || p.eat(']') {
		return
	}
	for p.err == nil {
		p.i = p.space(p.i)
		element()
		if p.err != nil || p.eat(']') {
			return
		}
		if !p.eat(',') {
			p.fail(ErrJSON)
		}
	}
}

func (p *parser) word(w string) {
	if len(p.b)-p.i < len(w) || string(p.b[p.i:p.i+len(w)]) != w {
		p.fail(ErrJSON)
		return
	}
	p.i += len(w)
}

// number reads -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
func (p *parser) number() {
	if p.b[p.i] == '-' {
		p.i++
	}
	if e0(p.b, p.i) == '0' {
		p.i++
	} else {
		p.digits()
	}
	if e0(p.b, p.i) == '.' {
		p.i++
		p.digits()
	}
	if c := e0(p.b, p.i); c == 'e' || c == 'E' {
		p.i++
		if c := e0(p.b, p.i); c == '+' || c == '-' {
			p.i++
		}
		p.digits()
	}
}

// digits reads one digit or more.
func (p *parser) digits() {
	start := p.i
	for p.i < len(p.b) && '0' <= p.b[p.i] && p.b[p.i] <= '9' {
		p.i++
	}
	if p.i == start {
		p.fail(ErrJSON)
	}
}

// str reads a string from its opening to its closing quote.
func (p *parser) str() {
	if e0(p.b, p.i) != '"' {
		p.fail(ErrJSON)
		return
	}
	b, i := p.b, p.i+1
	p.odd = false
	for {
		for i+8 <= len(b) {
			if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			p.fail(ErrJSON)
			return
		}
		switch c := b[i]; {
		case c == '"':
			p.i = i + 1
			return
		case c == '\\':
			n, err := escape(b[i:])
			if err != nil {
				p.fail(err)
				return
			}
			i += n
			p.odd = true
		case c < ' ':
			p.fail(ErrJSON)
			return
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				p.fail(ErrUTF8)
				return
			}
			i += n
		}
	}
}

// special marks, by the top bit of each, the bytes of w that end a run of plain ASCII inside a string: quote,
// backslash, control characters and bytes of 0x80 and above. Only the lowest mark is exact: a borrow can run into the
// bytes above it.
func special(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash | w) & tops
}

// escape returns the length of the escape sequence that b begins with; a surrogate pair counts as one.
func escape(b []byte) (int, error) {
	switch e0(b, 1) {
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
	case u >= 0xDC00 || e0(b, 6) != '\\' || e0(b, 7) != 'u':
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

// hex4 reads the four digits of the \uXXXX that b begins with.
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
