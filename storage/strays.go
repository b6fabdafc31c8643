package storage

import (
	"mixduck/internal/answer"
	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// Strays counts the lines of an answer that are no events of the days asked. The answer is proved to be whole: single lines like that
// are set aside, and only many of them say something about all of it.
type Strays struct {
	Days    day.Range // that were asked
	Lines   int64     // of the answer
	Bad     int64     // lines that cannot be stored, those outside included
	Outside int64     // events outside the days
	Reason  error     // of the first bad line
	Times   string    // what the times of the other events tell, "" for nothing
}

const (
	tolerated      = 100 // lines, however few there are in all
	toleratedShare = 0.1
	// So many events, if they are most of an answer, do not lie outside of their days by accident.
	fewOutside = 10
)

// Add counts a line, and the event that it is if it can be stored.
func (s *Strays) Add(line answer.Line, e *eventline.Event) {
	s.Lines++
	reason := line.Reason
	if reason == nil {
		if s.Days.Contains(sentDay(e)) {
			return
		}
		reason = errOutside
		s.Outside++
	}
	s.Bad++
	if s.Reason == nil {
		s.Reason = reason
	}
}

// Check returns an *[OutsideError] or a *[BadLinesError] if there are too many strays.
func (s *Strays) Check() error {
	most := max(tolerated, int64(toleratedShare*float64(s.Lines)))
	switch {
	case s.Outside > most, s.Outside >= fewOutside && 2*s.Outside > s.Lines:
		return &OutsideError{Days: s.Days, Outside: s.Outside, Lines: s.Lines, Times: s.Times}
	case s.Bad > most:
		return &BadLinesError{Bad: s.Bad, Lines: s.Lines, Reason: s.Reason}
	}
	return nil
}
