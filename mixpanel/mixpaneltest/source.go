package mixpaneltest

import (
	"io"
	"iter"
	"time"

	"mixduck/internal/day"
)

// Source contains the events of a project by day. It must be safe for concurrent use, and keep an event with the day
// of its time.
type Source interface {
	// Lines yields the lines of d, each with its newline, and stops at the first error. A line is valid until the next
	// one. A day without events has no lines.
	Lines(d day.Day, f Format) iter.Seq2[[]byte, error]
}

// Format is how lines are written. It is comparable.
type Format struct {
	TimeInMS bool           // time is in milliseconds instead of seconds
	Shift    *time.Location // nil for UTC days and true epochs; otherwise days and wall clocks of that zone
}

// packedSource is a Source that may have whole days in gzip form.
type packedSource interface {
	Source
	// Packed returns all lines of d as one or more gzip members, or nil if only Lines has them. The caller must close
	// it.
	Packed(d day.Day, f Format) (io.ReadCloser, error)
}

// Lines is a Source with the given lines for each day, without their newlines, the same in every format.
type Lines map[day.Day][]string

// Lines yields the lines of d.
func (l Lines) Lines(d day.Day, _ Format) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, line := range l[d] {
			if !yield([]byte(line+"\n"), nil) {
				return
			}
		}
	}
}
