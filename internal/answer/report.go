package answer

import (
	"bytes"
	"regexp"
)

// isReport reports whether a line that is not an event looks like an error report from Mixpanel, or from a proxy in
// between. It only matters between two events: after the last one no text is accepted at all.
func isReport(line []byte) bool {
	text := bytes.ToLower(trim(line))
	switch {
	case text[0] == '<': // HTML, XML
		return true
	case isPartOfEvent(text):
		return false
	}
	for _, word := range reportWords() {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	if len(text) > 2*reportSize {
		return reportForms.Match(text[:reportSize]) || reportForms.Match(text[len(text)-reportSize:])
	}
	return reportForms.Match(text)
}

// reportSize is the number of bytes at each end of a line that are searched for reportForms: the expression takes
// seconds for the longest lines, and programs do not write longer reports.
const reportSize = 64 << 10

// reportForms matches, in lower case, what reports have in common in addition to words: a log level, an HTTP error
// status, and a key that says that something did not succeed.
var reportForms = regexp.MustCompile(`^\W*(warn|fatal|critical|severe|emerg)|\b(http\S*|\w*status\w*|\w*code)\W{1,4}[45]\d\d\b|"(ok|success\w*)"\s*:\s*(false|0)`)

// isPartOfEvent reports whether text starts like an event, so its words are user data.
func isPartOfEvent(text []byte) bool {
	rest, isObject := bytes.CutPrefix(text, []byte("{"))
	rest = trim(rest)
	return isObject && (bytes.HasPrefix(rest, []byte(`"event"`)) || bytes.HasPrefix(rest, []byte(`"properties"`)))
}

// reportWords returns words of reports, in lower case. Those in quotes are keys of objects.
func reportWords() []string {
	return []string{
		"error", "fail", "exception", "fault", "panic", "traceback", "crash", "abort", "terminat", "interrupt", "cancel",
		"timeout", "time-out", "timed out", "deadline", "expired", "denied", "refused", "rejected", "forbidden", "unauthorized",
		"unauthenticated", "unavailable", "unable", "cannot", "could not", "not found", "invalid", "too many", "limit", "quota",
		"throttl", "overload", "upstream", "gateway", "disconnect", "reset", "bad request", "try again", "retry", "truncated",
		"incomplete", "maintenance", "connection", "closed", "broken", "killed", "shut down", "shutting down", "out of memory", "exceed",
		"premature", "eof", "went wrong", "authenticat", `"message"`, `"msg"`, `"err"`, `"status"`, `"code"`, `"detail"`, `"reason"`,
	}
}
