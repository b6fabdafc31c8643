package storage

import (
	"mixduck/internal/answer"
	"mixduck/internal/day"
	"mixduck/internal/eventline"
)

// Strays counts the lines of a response that are not events of the requested days. The response itself is proved
// complete: a few such lines are quarantined, and only many of them make the whole response suspicious.
type Strays struct {
	Days    day.Range // requested days
	Lines   int64     // lines of the response
	Bad     int64     // lines that cannot be stored, including events outside the days
	Outside int64     // events outside the days
	Reason  error     // reason for the first bad line
	Times   string    // what the times of the other events show; "" for nothing
}

const (
	tolerated      = 100 // this many lines are accepted in any response
	toleratedShare = 0.1
	// This many events are not outside their days by accident if they are most of a response.
	fewOutside = 10
)

// Add counts a line, and its event if it can be stored.
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
