package storage_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

const quarantined = `SELECT from_date, to_date, day, line_number, reason, hex(line), job_id FROM mixduck.quarantine ORDER BY job_id, from_date, line_number`

func TestQuarantineHoldsLinesVerbatim(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	bad := []string{
		"\xff\xfe\x00 no text", `{"event":"e","properties":{"time":1793491201}} `, "not JSON \u00e9", `{"event":"e","properties":{"x":"\ud800","time":1}}`,
		`{"event":"e","properties":{}}`, ` `, "'); DROP TABLE events; --", "{\"event\":\"e\",\"properties\":{\"x\":\"\t\"}}",
	}
	reasons := []string{"not valid JSON", "", "not valid JSON", "lone surrogate in a string", "no time", "", "not valid JSON", "not valid JSON"}
	var lines strings.Builder
	var wanted []string
	lines.WriteString(events(first, 10, "a"))
	for i, line := range bad {
		lines.WriteString(line + "\n")
		if reasons[i] != "" {
			wanted = append(wanted, fmt.Sprintf("2026-11-01|2026-11-01|2026-11-01|%d|%s|%X|job-1", 11+i, reasons[i], line))
		}
	}
	r := load(t, e, window(span(0, 1), lines.String()))
	if r.Quarantined != int64(len(wanted)) || r.Rows != 11 || r.Lines != 17 {
		t.Errorf("receipt = %+v, want 11 rows and %d lines set aside", r, len(wanted))
	}
	closeEngine(t, e)
	want(t, "quarantine", query(t, path, quarantined), wanted)
	want(t, "time", query(t, path, "SELECT DISTINCT table_name, received_at FROM mixduck.quarantine"), []string{"events|2027-01-01 12:00:00"})
}

func TestDayOfALineInQuarantine(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	far := `{"event":"e","properties":{"time":999999999999999}}`
	load(t, e, window(span(0, 1), events(first, 100, "a"), "bad\n", event(first-1, 86399, "early"), event(first+1, 0, "late"), far+"\n"))
	load(t, e, window(span(4, 2), events(first+4, 100, "a"), "bad\n", event(first+9, 0, "late")))
	closeEngine(t, e)
	want(t, "quarantine", query(t, path, "SELECT from_date, to_date, day, line_number, reason FROM mixduck.quarantine ORDER BY from_date, line_number"), []string{
		"2026-11-01|2026-11-01|2026-11-01|101|not valid JSON",
		"2026-11-01|2026-11-01|2026-10-31|102|outside the requested days",
		"2026-11-01|2026-11-01|2026-11-02|103|outside the requested days",
		"2026-11-01|2026-11-01|33658-09-27|104|outside the requested days",
		"2026-11-05|2026-11-06|NULL|101|not valid JSON",
		"2026-11-05|2026-11-06|2026-11-10|102|outside the requested days",
	})
}

// loadAs loads a window for a separate job.
func loadAs(tb testing.TB, e *storage.Engine, job string, w storage.Window) {
	tb.Helper()
	w.Job = job
	load(tb, e, w)
}

// Requesting days again replaces their quarantined lines, and no others. untimed returns the line of an event that
// cannot be stored.
func untimed(insertID string) string {
	return `{"event":"e","properties":{"$insert_id":"` + insertID + `"}}` + "\n"
}

const idsInQuarantine = `SELECT decode(line)->>'$.properties."$insert_id"' FROM mixduck.quarantine ORDER BY 1`

func TestQuarantineOfDaysAskedAgain(t *testing.T) {
	t.Parallel()
	day0, day1 := events(first, 50, "a"), events(first+1, 50, "a")
	x, y := untimed("x"), untimed("y")
	type step struct {
		offset, days int
		lines        string
		add          bool
	}
	tests := []struct {
		name  string
		steps []step
		want  []string // finally quarantined lines
	}{
		{"the same window", []step{{0, 2, day0 + x + y, false}, {0, 2, day0 + x + y, false}}, []string{"x", "y"}},
		{"the same window without the line", []step{{0, 2, day0 + x, false}, {0, 2, day0, false}}, nil},
		{"a narrower window with the line", []step{{0, 2, day0 + x, false}, {0, 1, day0 + x, false}}, []string{"x"}},
		{"a narrower window without the line", []step{{0, 2, day0 + x, false}, {0, 1, day0, false}}, []string{"x"}},
		{"both narrower windows", []step{{0, 2, day0 + day1 + x + y, false}, {0, 1, day0 + x, false}, {1, 1, day1 + y, false}}, []string{"x", "y"}},
		{"a wider window", []step{{0, 1, day0 + x, false}, {0, 2, day0 + x, false}}, []string{"x"}},
		{"a wider window without the line", []step{{0, 1, day0 + x, false}, {0, 2, day0, false}}, nil},
		{"another window", []step{{0, 1, day0 + x, false}, {1, 1, day1 + x, false}}, []string{"x", "x"}},
		{"two equal lines", []step{{0, 1, day0 + x + x, false}, {0, 1, day0 + x + x, false}}, []string{"x", "x"}},
		{"added again", []step{{0, 1, day0 + x, false}, {0, 1, day0 + x, true}}, []string{"x"}},
		{"added in a wider window", []step{{0, 1, day0 + x, false}, {0, 2, day0 + x + y, true}}, []string{"x", "y"}},
		{"added without the line", []step{{0, 1, day0 + x, false}, {0, 1, day0, true}}, []string{"x"}},
		{
			"a line that names the day loaded next",
			[]step{{0, 1, day0 + event(first+1, 1, "lost"), false}, {1, 1, day1, false}},
			[]string{"lost"},
		},
		{
			"a line that names another day, asked again",
			[]step{{0, 1, day0 + event(first+1, 1, "lost"), false}, {0, 1, day0 + event(first+1, 1, "lost"), false}},
			[]string{"lost"},
		},
		{"a line that names another day, and is gone", []step{{0, 1, day0 + event(first+1, 1, "lost"), false}, {0, 1, day0, false}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			for i, s := range tt.steps {
				w := window(span(s.offset, s.days), s.lines)
				w.Add, w.Force = s.add, true
				loadAs(t, e, fmt.Sprintf("job-%d", i), w)
			}
			closeEngine(t, e)
			want(t, "quarantine", query(t, path, idsInQuarantine), tt.want)
		})
	}
}

func TestTooManyBadLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		good, bad, away int // lines: events of the day, not events, events of other days
		want            any // *BadLinesError, *OutsideError or nil
	}{
		{"one bad line alone", 0, 1, 0, nil},
		{"a bad line and a good one", 1, 1, 0, nil},
		{"a hundred bad lines", 1, 100, 0, nil},
		{"a hundred bad lines alone", 0, 100, 0, nil},
		{"one more", 1, 101, 0, &storage.BadLinesError{}},
		{"a tenth", 1800, 200, 0, nil},
		{"more than a tenth", 1799, 201, 0, &storage.BadLinesError{}},
		{"one event of another day alone", 0, 0, 1, nil},
		{"nine events of another day alone", 0, 0, 9, nil},
		{"ten events of another day alone", 0, 0, 10, &storage.OutsideError{}},
		{"half of the events", 50, 0, 50, nil},
		{"more than half of the events", 50, 0, 51, &storage.OutsideError{}},
		{"a hundred events of other days", 900, 0, 100, nil},
		{"one more event of another day", 900, 0, 101, &storage.OutsideError{}},
		{"both kinds together", 60, 60, 60, &storage.BadLinesError{}},
		{"nothing but both kinds", 0, 1, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			_, err := e.Load(t.Context(), window(span(0, 1),
				events(first, tt.good, "a"), strings.Repeat(untimed("bad"), tt.bad), events(first+5, tt.away, "b")))
			total := int64(tt.good + tt.bad + tt.away)
			switch tt.want.(type) {
			case *storage.BadLinesError:
				got, ok := errors.AsType[*storage.BadLinesError](err)
				if !ok || got.Bad != int64(tt.bad+tt.away) || got.Lines != total || got.Reason == nil || fault.HintOf(err) == "" {
					t.Errorf("Load = %v, want a *BadLinesError", err)
				}
			case *storage.OutsideError:
				got, ok := errors.AsType[*storage.OutsideError](err)
				if !ok || got.Outside != int64(tt.away) || got.Lines != total || got.Days != span(0, 1) || fault.HintOf(err) == "" {
					t.Errorf("Load = %v, want an *OutsideError", err)
				}
			default:
				if err != nil {
					t.Errorf("Load = %v", err)
				}
			}
			closeEngine(t, e)
			stored := []string{"0"}
			if tt.want == nil {
				stored = []string{strconv.Itoa(tt.bad + tt.away)}
			}
			want(t, "lines in quarantine", query(t, path, "SELECT count(*) FROM mixduck.quarantine"), stored)
		})
	}
}

func TestTooManyBytesOfBadLines(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	e.SetMaxBadBytes(400 << 10)
	long := untimed(strings.Repeat("x", 100<<10))
	lines := event(first, 1, "a") + event(first, 2, "b") + long + long + long
	load(t, e, window(span(0, 1), lines))
	err := loadError(t, e, window(span(0, 1), lines, long))
	if bad, ok := errors.AsType[*storage.BadLinesError](err); !ok || bad.Bad > bad.Lines {
		t.Errorf("Load = %v, want a *BadLinesError", err)
	}
}

func loadError(tb testing.TB, e *storage.Engine, w storage.Window) error {
	tb.Helper()
	_, err := e.Load(tb.Context(), w)
	if err == nil {
		tb.Fatal("the load succeeded")
	}
	return err
}

// A job that requests loaded days again quarantines nothing twice.
func TestQuarantineOfOneJob(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]bool{"replaced": false, "added": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			for range 2 {
				w := window(span(0, 2), events(first, 10, "a"), untimed("x"), untimed("x"), untimed("y"))
				w.Add = add
				load(t, e, w)
			}
			closeEngine(t, e)
			want(t, "quarantine", query(t, path, idsInQuarantine), []string{"x", "x", "y"})
		})
	}
}

// Quarantining many lines takes no longer than loading as many.
func TestManyBadLines(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	var lines strings.Builder
	lines.WriteString(events(first, 40_000, "a"))
	for i := range 4000 {
		lines.WriteString(untimed(strconv.Itoa(i)))
	}
	for _, job := range []string{"job-1", "job-2"} {
		loadAs(t, e, job, window(span(0, 1), lines.String()))
	}
	closeEngine(t, e)
	want(t, "lines in quarantine", query(t, path, "SELECT count(*), count(DISTINCT line) FROM mixduck.quarantine"), []string{"4000|4000"})
}
