package mixpaneltest

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"mixduck/internal/day"
)

const (
	defaultEvery       = 10
	defaultFromRequest = 2
	defaultLineBytes   = 16 << 20
)

// edit is a fault of the data applied to one day for one request.
type edit struct {
	kind    Kind
	every   int
	late    bool   // LateRows: not there yet
	length  int    // LongLine: in bytes
	day     uint64 // random seed of the day
	request uint64 // random seed of the request
}

func newEdit(f Fault, d day.Day, request int) edit {
	return edit{
		kind:    f.Kind,
		every:   cmp.Or(f.Every, defaultEvery),
		late:    request < cmp.Or(f.FromRequest, defaultFromRequest),
		length:  cmp.Or(f.LineBytes, defaultLineBytes),
		day:     uint64(d),
		request: uint64(request),
	}
}

// apply returns the day's lines, without newlines, changed by the fault. It may change the list, but not the content
// of a line.
func (e edit) apply(lines [][]byte) [][]byte {
	switch e.kind {
	case Reordered:
		r := rand.New(rand.NewPCG(e.day, e.request))
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		return lines
	case LateRows:
		return e.delay(lines)
	case ExactDuplicates, NewerDuplicates, TiedDuplicates:
		return e.duplicate(lines)
	case NotJSON, NotEvents, InvalidUTF8, LoneSurrogates, DeeplyNested:
		return e.insert(lines, badLines(e.kind))
	case LongLine:
		return e.lengthen(lines)
	default:
		for i := 0; i < len(lines); i += e.every {
			if r, ok := parseRecord(lines[i]); ok {
				e.rewrite(&r)
				lines[i] = r.encode()
			}
		}
		return lines
	}
}

// rewrite changes one row.
func (e edit) rewrite(r *record) {
	switch e.kind {
	case Rekeyed:
		half := len(r.fields) / 2
		r.fields = slices.Concat(r.fields[half:], r.fields[:half])
		r.spaced = true
	case MissingInsertID:
		r.remove("$insert_id")
	case EmptyInsertID:
		r.set("$insert_id", `""`)
	case MissingDistinct:
		r.remove("distinct_id")
	case EmptyDistinct:
		r.set("distinct_id", `""`)
	case HotShard:
		r.set("mp_original_event_name", string(r.event))
		r.set("mp_original_distinct_id", r.value("distinct_id", `""`))
		r.set("distinct_id", `""`)
		r.event = []byte(`"` + hotShardEvent + `"`)
	default:
	}
}

// lateness is how much later late rows arrive.
const lateness = 4 * 24 * 3600 * 1000 // milliseconds

// delay gives every n-th row a late mp_processing_time_ms, or omits it until it has arrived.
func (e edit) delay(lines [][]byte) [][]byte {
	kept := lines[:0]
	for i, line := range lines {
		if i%e.every == 0 {
			r, ok := parseRecord(line)
			if ok && e.late {
				continue
			}
			if ok {
				r.arriveLater(lateness)
				line = r.encode()
			}
		}
		kept = append(kept, line)
	}
	return kept
}

// duplicate repeats every n-th row: in turn directly after it, directly before it, and at the end of the day.
func (e edit) duplicate(lines [][]byte) [][]byte {
	var out, end [][]byte
	for i, line := range lines {
		var twin []byte
		if i%e.every == 0 {
			twin = e.twin(line, i/e.every)
		}
		switch {
		case twin == nil:
			out = append(out, line)
		case i/e.every%3 == 0:
			out = append(out, line, twin)
		case i/e.every%3 == 1:
			out = append(out, twin, line)
		default:
			out = append(out, line)
			end = append(end, twin)
		}
	}
	return append(out, end...)
}

// twin returns the n-th duplicate of the day, made from line, or nil if line is not a row.
func (e edit) twin(line []byte, n int) []byte {
	r, ok := parseRecord(line)
	if !ok {
		return nil
	}
	if e.kind == ExactDuplicates {
		return slices.Clone(line)
	}
	changed := field{"~changed", []byte("true")}
	if e.kind == TiedDuplicates && n%2 == 1 {
		r.fields = slices.Insert(r.fields, 0, changed) // this text is the larger one
	} else {
		r.fields = append(r.fields, changed)
	}
	if e.kind == NewerDuplicates {
		r.arriveLater(1)
	}
	return r.encode()
}

// insert adds the bad lines, one before every n-th row.
func (e edit) insert(lines, bad [][]byte) [][]byte {
	out := make([][]byte, 0, len(lines)+len(lines)/e.every+len(bad))
	for i, line := range lines {
		if i%e.every == 0 {
			out = append(out, bad[i/e.every%len(bad)])
		}
		out = append(out, line)
	}
	return out
}

// lengthen adds a very long copy of the day's first row, as a separate event.
func (e edit) lengthen(lines [][]byte) [][]byte {
	if len(lines) == 0 {
		return lines
	}
	r, ok := parseRecord(lines[0])
	if !ok {
		return lines
	}
	r.event = []byte(`"Long Line"`)
	r.set("long", `"`+strings.Repeat("long ", e.length/5+1)+`"`)
	return append(lines, r.encode())
}
