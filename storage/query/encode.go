package query

import "mixduck/storage"

// encoder appends a result to a buffer in a format. All columns of the rows are texts.
type encoder interface {
	begin(b []byte) []byte
	row(b []byte, rows *storage.Rows) []byte
	end(b []byte) []byte
}

// newEncoder returns the encoder of a text format; keys are the unique column names.
func newEncoder(f Format, columns []Column, keys []string) encoder {
	switch f {
	case CSV:
		return csvEncoder(columns)
	case JSON, JSONL:
		return newObjectEncoder(columns, keys, f == JSONL)
	case Rows, Parquet, Arrow:
	}
	return rowsEncoder(columns)
}

// rowsEncoder encodes [Rows].
type rowsEncoder []Column

func (e rowsEncoder) begin(b []byte) []byte {
	b = append(b, `{"columns":[`...)
	for i, c := range e {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendString(b, []byte(c.Name))
		b = append(b, `,"type":`...)
		b = appendString(b, []byte(c.Type))
		b = append(b, '}')
	}
	return append(b, "]}\n"...)
}

func (e rowsEncoder) row(b []byte, rows *storage.Rows) []byte {
	b = append(b, '[')
	for i := range e {
		if i > 0 {
			b = append(b, ',')
		}
		if value, ok := rows.Text(i); ok {
			b = appendString(b, value)
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, "]\n"...)
}

func (rowsEncoder) end(b []byte) []byte { return b }

// appendString appends a JSON string. The text must be valid UTF-8.
func appendString(b, value []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0 // start of bytes that need no escape
	for i, c := range value {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, value[plain:i]...)
		plain = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\t':
			b = append(b, `\t`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, value[plain:]...)
	return append(b, '"')
}
