package mixpaneltest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
)

// Ask describes what a copy should hold.
type Ask struct {
	Project  int64
	Days     day.Range
	Events   []string // empty means all
	Where    string   // a supported expression, or ""
	TimeInMS bool
}

// Truth is what a correct copy holds.
//
// Lines with the same event, distinct_id, time and $insert_id are one event. Without an $insert_id, or with an empty
// one, lines with the same event and properties text are one event. The line with the largest mp_processing_time_ms
// counts, and among equal ones, the line with the bytewise largest properties text. Lines belong in quarantine if they
// are not UTF-8, contain half of a surrogate pair, are nested deeper than 100, are longer than 64 MiB, or are not a
// JSON object with a string event and an object properties that contains a positive number time. A missing distinct_id
// is not a reason.
type Truth struct {
	Received    int      // lines: rows, duplicates and quarantined ones
	Rows        []Row    // sorted by day, time, event, distinct_id, $insert_id and properties
	Duplicates  int      // lines dropped in favor of another one
	Quarantined []string // lines as received, without newlines; sorted
}

// Row is an event as a copy holds it.
type Row struct {
	Day           day.Day // the day it is exported for
	Event         string
	DistinctID    string    // "" if missing or not a string
	InsertID      string    // "" if missing or not a string
	Time          time.Time // UTC, microsecond precision
	ProcessedAtMS int64     // milliseconds since 1970, 0 if missing
	Properties    string    // the exact text
	Changed       bool      // the line was changed by a fault of the data
}

// Truth returns what a copy of days holds that requested everything, with times in seconds. See [Server.TruthOf].
func (s *Server) Truth(project int64, days day.Range) (Truth, error) {
	return s.TruthOf(Ask{Project: project, Days: days})
}

// TruthOf returns what a correct copy of ask holds after the latest request for each day; if there was none, after a
// first one. Only faults of the data matter. Wall-clock times that a zone shows twice, which only projects with
// shifted times send, are interpreted like [time.Date].
func (s *Server) TruthOf(ask Ask) (Truth, error) {
	p := s.projects[ask.Project]
	if p == nil {
		return Truth{}, fmt.Errorf("project %d: not known", ask.Project)
	}
	f := filter{events: ask.Events}
	if ask.Where != "" {
		if no := f.parseWhere(ask.Where); no != nil {
			return Truth{}, fmt.Errorf("%s", no.message)
		}
	}
	s.mu.Lock()
	edits := s.edits(p.ID, ask.Days)
	s.mu.Unlock()
	var truth Truth
	for d := range ask.Days.All() {
		if err := truth.add(p, d, ask.TimeInMS, f, edits[d]); err != nil {
			return Truth{}, fmt.Errorf("day %s: %w", d, err)
		}
	}
	slices.Sort(truth.Quarantined)
	return truth, nil
}

// add adds a day.
func (t *Truth) add(p *project, d day.Day, inMS bool, f filter, edits []edit) error {
	format := p.Format(inMS)
	untouched := make(map[string]bool)
	if len(edits) > 0 {
		for line, err := range p.Data.Lines(d, format) {
			if err != nil {
				return err
			}
			untouched[string(line)] = true
		}
	}
	best := make(map[string]Row)
	for line, err := range dayLines(p, d, format, edits) {
		if err != nil {
			return err
		}
		e, err := parseEvent(line[:len(line)-1])
		if err != nil && !f.all() || err == nil && !f.takesEvent(e) {
			continue
		}
		t.Received++
		if err != nil {
			t.Quarantined = append(t.Quarantined, string(line[:len(line)-1]))
			continue
		}
		row := newRow(e, d, format)
		row.Changed = len(edits) > 0 && !untouched[string(line)]
		key := row.key(e)
		other, twice := best[key]
		if twice {
			t.Duplicates++
		}
		if !twice || row.beats(other) {
			best[key] = row
		}
	}
	for _, row := range best {
		t.Rows = append(t.Rows, row)
	}
	slices.SortFunc(t.Rows, Row.compare)
	return nil
}

func newRow(e event, d day.Day, f Format) Row {
	at := time.UnixMicro(e.micros(f.TimeInMS)).UTC()
	if f.Shift != nil {
		at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), f.Shift).UTC()
	}
	row := Row{Day: d, Event: e.name, Time: at, ProcessedAtMS: e.processedAtMS, Properties: string(e.properties)}
	row.DistinctID, _ = e.text("distinct_id")
	row.InsertID, _ = e.text("$insert_id")
	return row
}

// key is equal for lines that are the same event.
func (r Row) key(e event) string {
	if r.InsertID == "" {
		return fmt.Sprintf("%q %q", r.Event, r.Properties)
	}
	return fmt.Sprintf("%q %q %q %s", r.Event, r.DistinctID, r.InsertID, e.time)
}

// beats reports whether r counts instead of other, which is the same event.
func (r Row) beats(other Row) bool {
	if r.ProcessedAtMS != other.ProcessedAtMS {
		return r.ProcessedAtMS > other.ProcessedAtMS
	}
	return r.Properties > other.Properties
}

func (r Row) compare(other Row) int {
	return cmp.Or(
		cmp.Compare(r.Day, other.Day),
		r.Time.Compare(other.Time),
		strings.Compare(r.Event, other.Event),
		strings.Compare(r.DistinctID, other.DistinctID),
		strings.Compare(r.InsertID, other.InsertID),
		strings.Compare(r.Properties, other.Properties),
	)
}
