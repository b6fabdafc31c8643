package mixpanel

import (
	"bytes"
	"encoding/json"
)

// maxInBand is the longest line that can be a report of Mixpanel's; longer ones are damaged events.
const maxInBand = 64 << 10

// InBandError reports whether a line of a body with status 200, one that is not an event, is Mixpanel saying that the
// export failed; nil if it is not. Such an answer must not be stored, however many events come before. Known forms are
//
//	terminated early
//	export terminated early
//	{"error": "…"}
//
// the last with other keys beside it, but without "event" and "properties", or cut off after its beginning. Called for
// other lines it allocates nothing, but for those with an "error" key somewhere in them.
func InBandError(line []byte) *Error {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0 || len(line) > maxInBand:
		return nil
	case line[0] != '{':
		return inBandText(line)
	case beginsWithError(line), isErrorObject(line):
		return inBand(errorText(line))
	}
	return nil
}

// inBandText knows the reports that are plain text.
func inBandText(line []byte) *Error {
	plain := bytes.Trim(line, `". `)
	for _, known := range [...]string{"terminated early", "export terminated early", "rate limit reached"} {
		if len(plain) == len(known) && bytes.EqualFold(plain, []byte(known)) {
			return inBand(string(plain))
		}
	}
	return nil
}

func inBand(text string) *Error {
	e := &Error{Message: clean("the export failed on the way: " + text)}
	v, ok := judge(text)
	if !ok {
		v = verdict{Retry, ReasonTruncated, true}
	}
	e.is(v)
	e.readDaysBack(text)
	return e
}

// beginsWithError reports whether line is an object that was cut off, and whose first key is "error".
func beginsWithError(line []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(line[1:]), []byte(`"error"`))
	return ok && bytes.HasPrefix(bytes.TrimSpace(rest), []byte(":")) && !json.Valid(line)
}

// isErrorObject reports whether line is an object with an "error" and without the keys of an event.
func isErrorObject(line []byte) bool {
	if !bytes.Contains(line, []byte(`"error"`)) {
		return false
	}
	var object struct {
		Error      json.RawMessage `json:"error"`
		Event      json.RawMessage `json:"event"`
		Properties json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(line, &object) != nil {
		return false
	}
	return object.Error != nil && string(object.Error) != "null" && object.Event == nil && object.Properties == nil
}
