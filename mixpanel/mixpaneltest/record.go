package mixpaneltest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// record is a row split into parts that can be changed one by one. Unchanged parts keep their text.
type record struct {
	event  json.RawMessage
	fields []field // of properties, in order
	spaced bool    // encode with white space between fields
}

type field struct {
	key   string
	value json.RawMessage
}

// parseRecord splits a row; ok is false for a line that is not a row.
func parseRecord(line []byte) (r record, ok bool) {
	if _, err := parseEvent(line); err != nil {
		return r, false
	}
	var object struct {
		Event      json.RawMessage `json:"event"`
		Properties json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(line, &object) != nil {
		return r, false
	}
	r.event = object.Event
	in := json.NewDecoder(bytes.NewReader(object.Properties))
	if _, err := in.Token(); err != nil {
		return r, false
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return r, false
		}
		name, isName := key.(string)
		var value json.RawMessage
		if !isName || in.Decode(&value) != nil {
			return r, false
		}
		r.fields = append(r.fields, field{name, value})
	}
	return r, true
}

// encode returns the line, without a newline.
func (r *record) encode() []byte {
	colon, comma := ":", ","
	if r.spaced {
		colon, comma = ": ", " ,  "
	}
	line := slices.Concat([]byte(`{"event":`), r.event, []byte(`,"properties":{`))
	for i, f := range r.fields {
		if i > 0 {
			line = append(line, comma...)
		}
		line = append(line, quote(f.key)...)
		line = append(line, colon...)
		line = append(line, f.value...)
	}
	return append(line, "}}"...)
}

// value returns the text of a property, or missing.
func (r *record) value(key, missing string) string {
	for _, f := range r.fields {
		if f.key == key {
			return string(f.value)
		}
	}
	return missing
}

// set changes a property in place, or adds it.
func (r *record) set(key, value string) {
	for i := range r.fields {
		if r.fields[i].key == key {
			r.fields[i].value = []byte(value)
			return
		}
	}
	r.fields = append(r.fields, field{key, []byte(value)})
}

func (r *record) remove(key string) {
	r.fields = slices.DeleteFunc(r.fields, func(f field) bool { return f.key == key })
}

// arriveLater adds to mp_processing_time_ms.
func (r *record) arriveLater(milliseconds int64) {
	at := int64(number([]byte(r.value("mp_processing_time_ms", "0"))))
	r.set("mp_processing_time_ms", strconv.FormatInt(at+milliseconds, 10))
}

// quote returns text as JSON.
func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // every string has a JSON form
	}
	return quoted
}
