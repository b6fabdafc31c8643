package jobs

import (
	"strings"
	"time"
	"unicode/utf8"

	"mixduck/internal/fault"
)

// MaxMessageBytes is the length of the longest message in a record.
const MaxMessageBytes = 2000

// FailureOf returns err in the form stored in records. It keeps the line breaks of the message, because DuckDB points
// into statements.
func FailureOf(err error, at time.Time) *Failure {
	return &Failure{Code: fault.CodeOf(err), Message: short(err.Error()), Hint: OneLine(fault.HintOf(err)), At: at}
}

// OneLine returns s as a single line of valid UTF-8 of at most [MaxMessageBytes].
func OneLine(s string) string { return short(strings.Join(strings.Fields(s), " ")) }

// short returns s as valid UTF-8 of at most [MaxMessageBytes].
func short(s string) string { return shorten(s, MaxMessageBytes) }

// shorten returns s as valid UTF-8 of at most most bytes.
func shorten(s string, most int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "�"))
	if len(s) <= most {
		return s
	}
	const ellipsis = "…"
	end := most - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
