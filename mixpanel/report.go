package mixpanel

import (
	"bytes"
	"encoding/json"
)

// maxReport is how much of a text is parsed as an error report, in bytes.
const maxReport = 64 << 10

// Report interprets a text found in a response with status 200 in place of an event. It chooses the message and what
// to do. It proves nothing: whether a response is complete does not depend on the text. It returns nil for text that
// does not describe a failure, such as half an event, and never quotes text that may be part of an event.
func Report(text []byte) *Error {
	text = bytes.TrimSpace(text[:min(len(text), maxReport)])
	switch {
	case len(text) == 0:
		return nil
	case text[0] == '<':
		return inBand("the response contains a web page", verdict{}, false)
	case text[0] == '{':
		if !isErrorObject(text) && !beginsWithError(text) {
			return nil
		}
	case bytes.ContainsAny(text, `{}[]:`) && bytes.IndexByte(text, '"') >= 0: // part of an event
		return nil
	}
	said := errorText(text)
	known, isKnown := judge(said)
	e := inBand("the response contains an error: "+said, known, isKnown)
	e.readDaysBack(said)
	return e
}

func inBand(message string, v verdict, isKnown bool) *Error {
	if !isKnown {
		v = verdict{Retry, ReasonTruncated, true}
	}
	e := &Error{Message: clean(message)}
	e.is(v)
	return e
}

// beginsWithError reports whether text is a truncated object with "error" as its first key.
func beginsWithError(text []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(text[1:]), []byte(`"error"`))
	return ok && bytes.HasPrefix(bytes.TrimSpace(rest), []byte(":")) && !json.Valid(text)
}

// isErrorObject reports whether text is an object without the keys of an event.
func isErrorObject(text []byte) bool {
	var object struct {
		Event      json.RawMessage `json:"event"`
		Properties json.RawMessage `json:"properties"`
	}
	return json.Unmarshal(text, &object) == nil && object.Event == nil && object.Properties == nil
}
