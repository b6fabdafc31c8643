package answer

import (
	"bytes"
	"encoding/json"
)

// A line that eventline rejects can still prove that it is complete. shape reads such lines. It is more lenient than
// JSON where that does not hide a cut: strings can contain any bytes, escapes need not be valid, nesting can be
// arbitrarily deep, and NaN and Infinity are numbers.
type shape struct {
	text  []byte
	i     int
	depth []byte // open brackets
	keys  int    // keys of the top object, as bits: hasEvent, hasProperties
}

const (
	hasEvent = 1 << iota
	hasProperties
)

// jsonValue returns the length of the value at the start of text, 0 if there is none or only a part of one, and
// whether the value is an object with the keys event and properties.
func jsonValue(text []byte) (length int, isEvent bool) {
	s := shape{text: text}
	if !s.value() {
		return 0, false
	}
	return s.i, s.keys == hasEvent|hasProperties
}

// leadingEvent returns the length of the event at the start of line, 0 if there is none. The event may be one that
// cannot be stored.
func leadingEvent(line []byte) int {
	if n, isEvent := jsonValue(line); isEvent {
		return n
	}
	return 0
}

// value reads a value, including nested ones, without recursion.
func (s *shape) value() bool {
	for {
		s.space()
		switch c := s.peek(); {
		case c == '{' || c == '[':
			s.i++
			s.depth = append(s.depth, c)
			s.space()
			if s.peek() == closing(c) {
				break // an empty one ends like any other value
			}
			if c == '{' && !s.key() {
				return false
			}
			continue
		case c == '"':
			if !s.str() {
				return false
			}
		case !s.scalar():
			return false
		}
		for { // after a value
			if len(s.depth) == 0 {
				return true
			}
			open := s.depth[len(s.depth)-1]
			s.space()
			c := s.peek()
			if c == closing(open) {
				s.i++
				s.depth = s.depth[:len(s.depth)-1]
				continue
			}
			s.i++
			if c != ',' || open == '{' && !s.key() {
				return false
			}
			break
		}
	}
}

func closing(open byte) byte { return open + 2 } // ASCII has this distance for both brackets

// key reads a key and its colon.
func (s *shape) key() bool {
	s.space()
	start := s.i
	if s.peek() != '"' || !s.str() {
		return false
	}
	if len(s.depth) == 1 {
		var name string
		_ = json.Unmarshal(s.text[start:s.i], &name) // a key that is not valid JSON is neither of the two
		switch name {
		case "event":
			s.keys |= hasEvent
		case "properties":
			s.keys |= hasProperties
		}
	}
	s.space()
	s.i++
	return s.i <= len(s.text) && s.text[s.i-1] == ':'
}

func (s *shape) str() bool {
	for s.i++; s.i < len(s.text); s.i++ {
		switch s.text[s.i] {
		case '"':
			s.i++
			return true
		case '\\':
			s.i++
		}
	}
	return false
}

func (s *shape) scalar() bool {
	for _, word := range [...]string{"true", "false", "null", "NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(s.text[s.i:], []byte(word)) {
			s.i += len(word)
			return true
		}
	}
	start := s.i
	for s.i < len(s.text) && bytes.IndexByte([]byte("0123456789+-.eE"), s.text[s.i]) >= 0 {
		s.i++
	}
	return s.i > start && s.text[start] != 'e' && s.text[start] != 'E'
}

func (s *shape) space() {
	for s.i < len(s.text) && isSpace(s.text[s.i]) {
		s.i++
	}
}

// peek returns the next byte, 0 at the end.
func (s *shape) peek() byte {
	if s.i < len(s.text) {
		return s.text[s.i]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
