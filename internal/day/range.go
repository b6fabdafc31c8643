package day

import (
	"fmt"
	"iter"
)

// Range is the days From to To, both included. It is empty if To is before From.
type Range struct {
	From Day `json:"from"`
	To   Day `json:"to"`
}

// Len returns the number of days, 0 for an empty range.
func (r Range) Len() int { return max(0, int(r.To)-int(r.From)+1) }

// Contains reports whether d is in r.
func (r Range) Contains(d Day) bool { return r.From <= d && d <= r.To }

// All yields the days in ascending order.
func (r Range) All() iter.Seq[Day] {
	return func(yield func(Day) bool) {
		for i := range r.Len() {
			if !yield(r.From + Day(i)) {
				return
			}
		}
	}
}

// Halves splits a range of at least two days; the first half is the longer one.
func (r Range) Halves() (first, second Range) {
	mid := r.From + Day((r.Len()+1)/2)
	return Range{r.From, mid - 1}, Range{mid, r.To}
}

// String returns from..to, or a single date for a range of one day.
func (r Range) String() string {
	if r.From == r.To {
		return r.From.String()
	}
	return fmt.Sprintf("%s..%s", r.From, r.To)
}
