package mixpaneltest

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
)

// fieldsOf yields the keys and raw values of a JSON object that should be valid. It stops where it is not.
func fieldsOf(object string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		rest, ok := strings.CutPrefix(object, "{")
		for ok {
			rest = trimSpace(rest)
			n := valueLength(rest)
			key := rest[:n]
			if len(key) < 2 || key[0] != '"' {
				return
			}
			if rest, ok = strings.CutPrefix(trimSpace(rest[n:]), ":"); !ok {
				return
			}
			rest = trimSpace(rest)
			n = valueLength(rest)
			name := key[1 : len(key)-1]
			if strings.Contains(name, `\`) && json.Unmarshal([]byte(key), &name) != nil {
				return
			}
			if n == 0 || !yield(name, rest[:n]) {
				return
			}
			rest, ok = strings.CutPrefix(trimSpace(rest[n:]), ",")
		}
	}
}

func trimSpace(text string) string { return strings.TrimLeft(text, " \t\r\n") }

// valueLength returns the length of the JSON value at the start of text.
func valueLength(text string) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth > 0:
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && strings.IndexByte(",:}] \t\r\n", c) >= 0:
			return i
		}
	}
	return len(text)
}

// only returns the properties with these names, in their order and unchanged.
func only(properties string, names []string) string {
	out := []byte{'{'}
	for name, value := range fieldsOf(properties) {
		if !slices.Contains(names, name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quote(name)...), ':'), value...)
	}
	return string(append(out, '}'))
}

// lastSeen returns the property $last_seen, "" if it is missing or not a text.
func lastSeen(properties string) string {
	for name, value := range fieldsOf(properties) {
		if name == "$last_seen" {
			var said string
			if isString([]byte(value)) && json.Unmarshal([]byte(value), &said) == nil {
				return said
			}
			return ""
		}
	}
	return ""
}
