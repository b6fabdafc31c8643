package mixpaneltest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

var (
	processedPattern = regexp.MustCompile(`^\(number\(properties\["mp_processing_time_ms"\]\) > ([0-9]{1,15})\)$`)
	bothPattern      = regexp.MustCompile(`^\((properties\[.*)\) and (\(number\(.*)$`)
	equalsPattern    = regexp.MustCompile(`^properties\[("(?:[^"\\]|\\.)*")\] == ("(?:[^"\\]|\\.)*")$`)
)

// filter selects lines by the parameters event and where. The zero filter accepts every line, including lines that are
// not events; all others accept only events.
//
// It supports three of Mixpanel's expressions: (number(properties["mp_processing_time_ms"]) > T), properties["K"] ==
// "V", and the second in parentheses followed by and and the first.
type filter struct {
	events         []string // empty means all
	where          string   // as requested
	processedAfter int64    // with byProcessed
	byProcessed    bool
	key, value     string // with byValue
	byValue        bool
}

func (f *filter) parseWhere(text string) *refusal {
	f.where = text
	known := false
	if m := bothPattern.FindStringSubmatch(text); m != nil {
		no := cmp.Or(f.parseWhere(m[1]), f.parseWhere(m[2]))
		f.where = text
		return no
	}
	if m := processedPattern.FindStringSubmatch(text); m != nil {
		after, err := strconv.ParseInt(m[1], 10, 64)
		f.processedAfter, f.byProcessed, known = after, true, err == nil
	} else if m := equalsPattern.FindStringSubmatch(text); m != nil {
		f.byValue = true
		known = json.Unmarshal([]byte(m[1]), &f.key) == nil && json.Unmarshal([]byte(m[2]), &f.value) == nil
	}
	if !known {
		return wrapped(http.StatusBadRequest, "this stand-in does not know the expression %s", text)
	}
	return nil
}

// all reports whether f accepts every line.
func (f *filter) all() bool { return len(f.events) == 0 && f.where == "" }

// takes reports whether the response contains line.
func (f *filter) takes(line []byte) bool {
	if f.all() {
		return true
	}
	e, err := parseEvent(line)
	return err == nil && f.takesEvent(e)
}

// takesEvent is takes for an event.
func (f *filter) takesEvent(e event) bool {
	if len(f.events) > 0 && !slices.Contains(f.events, e.name) {
		return false
	}
	if f.byProcessed && e.processedAtMS <= f.processedAfter {
		return false
	}
	if f.byValue {
		value, ok := e.text(f.key)
		return ok && value == f.value
	}
	return true
}
