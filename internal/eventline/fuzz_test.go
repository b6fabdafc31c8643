package eventline_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/eventline"
)

// FuzzParse compares Parse with a slow implementation that uses encoding/json.
func FuzzParse(f *testing.F) {
	for _, line := range generated(f, 20) {
		f.Add(line)
	}
	for _, line := range []string{
		`{"event":"a","properties":{"time":1602611311,"distinct_id":"\ud83d\ude00","$insert_id":12,"mp_processing_time_ms":1.5e12}}`,
		`{"event":"a","properties":{"time":1,"time":2,"x":[[],{},-0.5e-3,true,false,null]},"event":"b"}`,
		` { "properties" : { "t\u0069me" : 1.5 } , "event" : "" } `,
		`{"extra":"\ud83d","event":"a","properties":{"time":1}}`,
		"{\"event\":\"\xff\",\"properties\":{\"time\":1}}",
		nested(eventline.MaxDepth, "[", "]"), nested(eventline.MaxDepth+1, "[", "]"),
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		want, ok := oracle(line)
		before := bytes.Clone(line)
		var e eventline.Event
		err := eventline.Parse(line, &e)
		if !bytes.Equal(before, line) {
			t.Fatalf("Parse changed %q to %q", before, line)
		}
		if ok != (err == nil) {
			t.Fatalf("Parse(%q) = %v, want an event: %t", line, err, ok)
		}
		if err != nil {
			return
		}
		got := event{string(e.Name), string(e.DistinctID), string(e.InsertID), string(e.Properties), e.TimeMicros, e.ProcessedMS}
		if micros := float64(want.TimeMicros); math.Abs(float64(got.TimeMicros)-micros) <= 1+micros*0x1p-50 {
			got.TimeMicros = want.TimeMicros
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Parse(%q) (-want +got):\n%s", line, diff)
		}
	})
}

// oracle returns the event in line, false if there is none.
func oracle(line []byte) (event, bool) {
	top := fields(line)
	if top == nil || !utf8.Valid(line) || loneSurrogate(line) || depth(line) > eventline.MaxDepth {
		return event{}, false
	}
	name, properties := top["event"], fields(top["properties"])
	if len(name) == 0 || name[0] != '"' || properties == nil {
		return event{}, false
	}
	e := event{
		Name: asText(name), DistinctID: asText(properties["distinct_id"]), InsertID: asText(properties["$insert_id"]),
		Properties: string(fields(line)["properties"]),
	}
	if f := asNumber(properties["time"]); f >= 1e11 {
		e.TimeMicros = scaled(properties["time"], 1_000)
	} else if f > 0 {
		e.TimeMicros = scaled(properties["time"], 1_000_000)
	}
	e.ProcessedMS = int64(asNumber(properties["mp_processing_time_ms"]))
	return e, e.TimeMicros > 0
}

// fields returns the fields of a JSON object, the first of each key, or nil if raw is not an object.
func fields(raw []byte) map[string]json.RawMessage {
	if !json.Valid(raw) || bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return nil
	}
	all := map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	_, err := dec.Token()
	for err == nil && dec.More() {
		var key json.Token
		key, err = dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		name, isText := key.(string)
		if _, twice := all[name]; isText && !twice {
			all[name] = value
		}
	}
	if err != nil {
		return nil
	}
	return all
}

var escapes = regexp.MustCompile(`\\(?:u([0-9a-fA-F]{4})|.)`)

// loneSurrogate reports whether a JSON text contains an escaped half of a pair without the other.
func loneSurrogate(line []byte) bool {
	half := -1 // end of the first half of a pair
	for _, m := range escapes.FindAllSubmatchIndex(line, -1) {
		unit := uint64(0)
		if m[2] >= 0 {
			unit, _ = strconv.ParseUint(string(line[m[2]:m[3]]), 16, 32)
		}
		isLow := unit>>10 == 0xDC00>>10
		if (half >= 0) != isLow || isLow && m[0] != half {
			return true
		}
		half = -1
		if unit>>10 == 0xD800>>10 {
			half = m[1]
		}
	}
	return half >= 0
}

// depth returns the maximum nesting of objects and arrays.
func depth(line []byte) (deepest int) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	open := 0
	for token, err := dec.Token(); err == nil; token, err = dec.Token() {
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
		deepest = max(deepest, open)
	}
	return deepest
}

func asText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil { // including null
		return s
	}
	return string(raw)
}

// asNumber returns the number in raw, 0 if it is not a number or out of range for a time.
func asNumber(raw json.RawMessage) float64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f <= 0 || f >= 1e15 {
		return 0
	}
	return f
}

// scaled returns the exact product of raw and factor, rounded.
func scaled(raw json.RawMessage, factor int64) int64 {
	r, ok := new(big.Rat).SetString(string(raw))
	if !ok {
		return 0
	}
	n, _ := new(big.Float).SetRat(r.Mul(r, big.NewRat(factor, 1))).Float64()
	if r.IsInt() {
		return r.Num().Int64()
	}
	return int64(math.Round(n))
}
