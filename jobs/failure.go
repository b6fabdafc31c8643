package jobs

import (
	"strings"
	"time"
	"unicode/utf8"

	"mixduck/internal/fault"
)

const maxMessageBytes = 2000

// failureOf returns err as records keep it. Its message keeps its lines: DuckDB points into statements.
func failureOf(err error, at time.Time) *Failure {
	return &Failure{Code: fault.CodeOf(err), Message: short(err.Error()), Hint: oneLine(fault.HintOf(err)), At: at}
}

// oneLine returns s as a single line of valid UTF-8 of at most [maxMessageBytes].
func oneLine(s string) string { return short(strings.Join(strings.Fields(s), " ")) }

// short returns s as valid UTF-8 of at most [maxMessageBytes].
func short(s string) string { return shorten(s, maxMessageBytes) }

// shorten returns s as valid UTF-8 of at most so many bytes.
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
