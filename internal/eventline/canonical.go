package eventline

import (
	"bytes"
	"encoding/binary"
	"slices"

	"mixduck/internal/jsonscan"
)

// AppendCanonical appends a form of an event's properties that is equal for equal content: keys are sorted at every
// level and only the first occurrence of a key counts, strings are compared without escapes, and numbers by their
// exact value. Lists keep their order. Properties that [Parse] would reject are appended unchanged.
func AppendCanonical(b, properties []byte) []byte {
	p, start := parser{Scanner: jsonscan.Scanner{B: properties}}, len(b)
	p.I = p.Space(0)
	b = p.canonical(b, 1)
	if p.Err != nil || p.Space(p.I) != len(properties) {
		return append(append(b[:start], '!'), properties...)
	}
	return b
}

// canonical reads any value, depth levels deep. Its output starts with the kind of the value and is self-delimiting.
func (p *parser) canonical(b []byte, depth int) []byte {
	start := p.I
	switch c := jsonscan.At(p.B, p.I); {
	case c == '{':
		return p.canonicalObject(b, depth)
	case c == '[':
		b = append(b, '[')
		p.Array(depth, func() { b = p.canonical(b, depth+1) })
		return append(b, ']')
	case c == '"':
		if p.Str(); p.Err == nil {
			b = appendString(b, jsonscan.Text(p.B[start:p.I]))
		}
	case c == '-' || '0' <= c && c <= '9':
		if p.Number(); p.Err == nil {
			b = jsonscan.AppendNumber(b, p.B[start:p.I])
		}
	default:
		if p.Value(depth); p.Err == nil {
			b = append(b, c)
		}
	}
	return b
}

func appendString(b, text []byte) []byte {
	return append(binary.AppendUvarint(append(b, '"'), uint64(len(text))), text...)
}

// canonicalField is the position of a field in the output.
type canonicalField struct {
	key      []byte
	from, to int
}

func (p *parser) canonicalObject(b []byte, depth int) []byte {
	var fields []canonicalField
	b = append(b, '{')
	start := len(b)
	p.Object(depth, func(key []byte) {
		from := len(b)
		b = p.canonical(appendString(b, key), depth+1)
		fields = append(fields, canonicalField{key, from, len(b)})
	})
	slices.SortStableFunc(fields, func(x, y canonicalField) int { return bytes.Compare(x.key, y.key) })
	fields = slices.CompactFunc(fields, func(x, y canonicalField) bool { return bytes.Equal(x.key, y.key) })
	unsorted := bytes.Clone(b[start:])
	b = b[:start]
	for _, f := range fields {
		b = append(b, unsorted[f.from-start:f.to-start]...)
	}
	return append(b, '}')
}
