package mixpanel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Point is a number of a saved report.
type Point struct {
	Series []string    // the keys above Key, as [SavedReport.Headers] names them
	Key    string      // mostly the beginning of a unit of time, as Mixpanel writes it
	Value  json.Number // "" for null
}

// deepest is the maximum nesting of a series.
const deepest = 32

// Points returns the numbers of a report, in its order. The key of a list element is its index. Anything except
// numbers is an error, as in reports that are not from Insights.
func (r *SavedReport) Points() ([]Point, error) {
	dec := json.NewDecoder(bytes.NewReader(r.Series))
	dec.UseNumber()
	var all []Point
	if err := readPoints(dec, nil, &all); err != nil {
		return nil, fmt.Errorf("the saved report is not a table of numbers, as those of Insights are: %w", err)
	}
	return all, nil
}

// readPoints reads a value that is below the keys of path.
func readPoints(dec *json.Decoder, path []string, all *[]Point) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if len(path) > deepest {
		return fmt.Errorf("it is nested more than %d levels deep", deepest)
	}
	point := func(value json.Number) error {
		if len(path) == 0 {
			return fmt.Errorf("it is only %s", value)
		}
		last := len(path) - 1
		*all = append(*all, Point{append([]string{}, path[:last]...), path[last], value})
		return nil
	}
	switch v := token.(type) {
	case nil:
		return point("")
	case json.Number:
		return point(v)
	case json.Delim:
		for i := 0; dec.More(); i++ {
			key := strconv.Itoa(i)
			if v == '{' {
				if token, err = dec.Token(); err != nil {
					return err
				}
				key, _ = token.(string) // keys are nothing else
			}
			if err := readPoints(dec, append(slices.Clip(path), key), all); err != nil {
				return err
			}
		}
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	default:
		return fmt.Errorf("at %q is %v", path, v)
	}
}
