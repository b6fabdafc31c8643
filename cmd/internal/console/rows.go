package console

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"mixduck/internal/wording"
)

// cell is a value in DuckDB's text form, nil for NULL.
type cell = *string

// rowScanner reads content in the [Rows] format.
type rowScanner struct {
	in      *bufio.Reader
	columns []Column
	left    int64 // rows still to read
}

// newRowScanner reads the columns. Content with a different number of rows is an error.
func newRowScanner(content io.Reader, rows int64) (*rowScanner, error) {
	s := &rowScanner{in: bufio.NewReaderSize(content, 64<<10), left: rows}
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
	case errors.Is(err, io.EOF) && s.left == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s of the result are missing", wording.Counted(s.left, "row"))
	case err != nil:
		return nil, fmt.Errorf("read a row of the result: %w", err)
	case len(row) != len(s.columns):
		return nil, fmt.Errorf("a row of the result has %d values in %d columns", len(row), len(s.columns))
	}
	if s.left--; s.left < 0 {
		return nil, errors.New("the result has more rows than the query returned")
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
