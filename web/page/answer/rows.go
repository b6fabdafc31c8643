// Package answer turns the result of a query into what a page shows: some of its rows, a plot, the place of an error, and the
// command that does the same. It knows no queue and no HTTP.
package answer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"mixduck/jobs"
)

// Cell is a value: the text of a string, otherwise JSON. Nil is NULL.
type Cell *string

// maxRowBytes is the length of the longest row that is read.
const maxRowBytes = 16 << 20

// errLongRow means that a row has more than maxRowBytes.
var errLongRow = errors.New("a row is too long for the page; download the result instead")

// Rows calls use with each row of content until it returns false. Content is a result in a format for which [Readable] is true.
func Rows(content io.Reader, format jobs.Format, columns []jobs.Column, use func([]Cell) bool) error {
	in := bufio.NewReaderSize(content, 64<<10)
	if format == jobs.FormatRows {
		if _, err := readLine(in); err != nil { // the columns are known
			return fmt.Errorf("read the columns of the result: %w", err)
		}
	}
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a row of the result: %w", err)
		}
		row, err := decode(line, format, columns)
		if err != nil {
			return fmt.Errorf("read a row of the result: %w", err)
		}
		if !use(row) {
			return nil
		}
	}
}

// Readable reports whether Rows can read a format.
func Readable(f jobs.Format) bool { return f == jobs.FormatRows || f == jobs.FormatJSONL }

// readLine returns the next line. It returns io.EOF only between lines.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxRowBytes:
			return nil, errLongRow
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		}
		return line, err
	}
}

// decode returns the values of a line.
func decode(line []byte, format jobs.Format, columns []jobs.Column) ([]Cell, error) {
	row := make([]Cell, 0, len(columns))
	var err error
	if format == jobs.FormatRows {
		err = json.Unmarshal(line, &row)
	} else {
		row, err = decodeObject(line, columns, row)
	}
	if err == nil && len(row) != len(columns) {
		err = fmt.Errorf("it has %d values in %d columns", len(row), len(columns))
	}
	return row, err
}

// decodeObject returns the values of an object in their order, which is that of the columns. Numbers keep all digits.
func decodeObject(line []byte, columns []jobs.Column, row []Cell) ([]Cell, error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		if _, err := dec.Token(); err != nil { // the name
			return nil, err
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		value := string(raw)
		switch {
		case value == "null":
			row = append(row, nil)
			continue
		case value[0] == '"' && len(row) < len(columns) && !isJSON(columns[len(row)].Type):
			if err := json.Unmarshal(raw, &value); err != nil {
				return nil, err
			}
		}
		row = append(row, &value)
	}
	return row, nil
}

// isJSON reports whether values of a type are JSON, so that a text among them keeps its quotes.
func isJSON(kind string) bool { return kind == "JSON" || strings.HasPrefix(kind, "UNION(") }

// IsNumber reports whether values of a type are numbers.
func IsNumber(kind string) bool {
	name, _, _ := strings.Cut(kind, "(")
	switch name {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
		"FLOAT", "DOUBLE", "DECIMAL", "BIGNUM":
		return !strings.HasSuffix(kind, "]")
	}
	return false
}
