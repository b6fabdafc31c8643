package console

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// cell is a value as DuckDB writes it, nil for NULL.
type cell = *string

// rowScanner reads content in the format [Rows].
type rowScanner struct {
	in      *bufio.Reader
	columns []Column
}

// newRowScanner reads the columns.
func newRowScanner(content io.Reader) (*rowScanner, error) {
	s := &rowScanner{in: bufio.NewReaderSize(content, 64<<10)}
	var head struct {
		Columns []Column `json:"columns"`
	}
	if err := s.line(&head); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read the columns of the result: %w", err)
	}
	s.columns = head.Columns
	return s, nil
}

// next returns the next row, or io.EOF.
func (s *rowScanner) next() ([]cell, error) {
	row := make([]cell, 0, len(s.columns))
	err := s.line(&row)
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("read a row of the result: %w", err)
	case len(row) != len(s.columns):
		return nil, fmt.Errorf("a row of the result has %d values in %d columns", len(row), len(s.columns))
	}
	return row, nil
}

func (s *rowScanner) line(to any) error {
	line, err := s.in.ReadBytes('\n')
	if err != nil {
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return json.Unmarshal(line, to)
}
