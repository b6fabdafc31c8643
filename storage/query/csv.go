package query

import (
	"bytes"

	"mixduck/storage"
)

// csvEncoder encodes [CSV].
type csvEncoder []Column

func (e csvEncoder) begin(b []byte) []byte {
	for i, c := range e {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendField(b, []byte(c.Name))
	}
	return append(b, '\n')
}

func (e csvEncoder) row(b []byte, rows *storage.Rows) []byte {
	for i := range e {
		if i > 0 {
			b = append(b, ',')
		}
		if value, ok := rows.Text(i); ok {
			b = appendField(b, value)
		}
	}
	return append(b, '\n')
}

func (csvEncoder) end(b []byte) []byte { return b }

// appendField appends a field, quoted if necessary: an empty field without quotes means NULL.
func appendField(b, value []byte) []byte {
	if len(value) > 0 && !bytes.ContainsAny(value, ",\"\r\n") && value[0] != ' ' && value[len(value)-1] != ' ' {
		return append(b, value...)
	}
	b = append(b, '"')
	for _, c := range value {
		if c == '"' {
			b = append(b, '"')
		}
		b = append(b, c)
	}
	return append(b, '"')
}
