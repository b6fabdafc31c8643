package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/wording"
	"mixduck/web/page/answer"
)

// Result is what a check has found.
type Result struct {
	Keys      []string     `json:"keys"`
	Compared  int          `json:"compared"` // numbers
	Different []Difference `json:"different"`
	Note      string       `json:"note,omitempty"`
}

// Difference is a number that differs.
type Difference struct {
	Key    []string `json:"key"`
	Ours   int64    `json:"database"`
	Theirs int64    `json:"mixpanel"`
}

// Compare compares the rows of an answer with those of Mixpanel.
func (c Check) Compare(ours, theirs [][]answer.Cell) (Result, error) {
	r := Result{Keys: c.Keys, Different: []Difference{}, Note: c.Note}
	stored, err := add(ours, c.ours)
	if err != nil {
		return r, fmt.Errorf("the answer: %w", err)
	}
	sent, err := add(theirs, c.theirs)
	if err != nil {
		return r, fmt.Errorf("the answer of Mixpanel: %w", err)
	}
	all := numbers{}
	for key := range stored {
		all[key] = stored[key]
	}
	for key, n := range sent {
		if _, known := stored[key]; known || n != 0 {
			all[key] = n
		}
	}
	among := func([]string) bool { return true }
	if c.among != nil {
		among = c.among(stored, sent)
	}
	for key := range all {
		words := split(key)
		if !among(words) {
			continue
		}
		r.Compared++
		if stored[key] != sent[key] {
			r.Different = append(r.Different, Difference{words, stored[key], sent[key]})
		}
	}
	slices.SortFunc(r.Different, func(a, b Difference) int { return slices.Compare(a.Key, b.Key) })
	return r, nil
}

// Summary says what was found.
func (r Result) Summary() string {
	n := wording.Counted(int64(r.Compared), "number")
	switch {
	case r.Compared == 0:
		return "There is no number to compare."
	case len(r.Different) == 0:
		return "Compared " + n + ": all are equal."
	}
	return fmt.Sprintf("Compared %s: %d differ from Mixpanel's.", n, len(r.Different))
}

// mostShown is how many differences a page shows.
const mostShown = 100

// Shown returns the first differences.
func (r Result) Shown() []Difference { return r.Different[:min(mostShown, len(r.Different))] }

// More returns how many differences are not shown.
func (r Result) More() int { return len(r.Different) - len(r.Shown()) }

// add returns the sums of the numbers of rows by their key.
func add(rows [][]answer.Cell, read reader) (numbers, error) {
	sums := numbers{}
	for _, row := range rows {
		for _, n := range read(texts(row)) {
			value, err := strconv.ParseInt(n.value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not a whole number", n.value)
			}
			sums[join(n.key)] += value
		}
	}
	return sums, nil
}

// texts returns the values of a row. NULL is [undefined].
func texts(row []answer.Cell) []string {
	all := make([]string, len(row))
	for i, c := range row {
		if all[i] = undefined; c != nil {
			all[i] = *c
		}
	}
	return all
}

const separator = "\x00"

func join(key []string) string { return strings.Join(key, separator) }

func split(key string) []string { return strings.Split(key, separator) }
