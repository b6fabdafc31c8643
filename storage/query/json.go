package query

import "mixduck/storage"

// objectEncoder encodes [JSON] and [JSONL].
type objectEncoder struct {
	lines  bool     // for JSONL
	keys   [][]byte // with quotes and colon
	shapes []shape
	any    bool // a row has been written
}

func newObjectEncoder(columns []Column, keys []string, lines bool) *objectEncoder {
	e := &objectEncoder{lines: lines}
	for i, c := range columns {
		key := appendString(nil, []byte(keys[i]))
		e.keys = append(e.keys, append(key, ':'))
		e.shapes = append(e.shapes, shapeOf(c.Type))
	}
	return e
}

func (e *objectEncoder) begin(b []byte) []byte {
	if e.lines {
		return b
	}
	return append(b, '[')
}

func (e *objectEncoder) row(b []byte, rows *storage.Rows) []byte {
	switch {
	case e.lines:
	case e.any:
		b = append(b, ",\n"...)
	default:
		b = append(b, '\n')
	}
	e.any = true
	b = append(b, '{')
	for i, key := range e.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, key...)
		if value, ok := rows.Text(i); ok {
			b = e.shapes[i].append(b, value)
		} else {
			b = append(b, "null"...)
		}
	}
	b = append(b, '}')
	if e.lines {
		b = append(b, '\n')
	}
	return b
}

func (e *objectEncoder) end(b []byte) []byte {
	switch {
	case e.lines:
		return b
	case e.any:
		b = append(b, '\n')
	}
	return append(b, "]\n"...)
}

// append appends a value of this shape.
func (s shape) append(b, value []byte) []byte {
	switch s {
	case boolean:
		return append(b, value...)
	case number:
		if last := value[len(value)-1]; last >= '0' && last <= '9' { // otherwise nan or inf
			return append(b, value...)
		}
	case document:
		return appendLine(b, value)
	case nested:
		return appendNested(b, value)
	case text:
	}
	return appendString(b, value)
}

// appendLine appends a JSON text with newlines replaced by spaces. In JSON they occur only between tokens.
func appendLine(b, value []byte) []byte {
	for _, c := range value {
		if c == '\n' || c == '\r' {
			c = ' '
		}
		b = append(b, c)
	}
	return b
}

// appendNested appends the result of to_json, with quotes around NaN, Infinity and -Infinity, which are not valid
// JSON.
func appendNested(b, value []byte) []byte {
	for len(value) > 0 {
		n, bare := 1, false
		switch c := value[0]; {
		case c == '"':
			n = stringLength(value)
		case c == 'N', c == 'I', c == '-' && len(value) > 1 && value[1] == 'I':
			n, bare = wordLength(value), true
		}
		if bare {
			b = appendString(b, value[:n])
		} else {
			b = appendLine(b, value[:n])
		}
		value = value[n:]
	}
	return b
}

// stringLength returns the length of the JSON string at the start of value.
func stringLength(value []byte) int {
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(value)
}

// wordLength returns the length of the bare word at the start of value.
func wordLength(value []byte) int {
	for i, c := range value {
		if c == ',' || c == ']' || c == '}' {
			return i
		}
	}
	return len(value)
}
