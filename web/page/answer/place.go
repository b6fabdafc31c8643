package answer

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Place is where an error is in a statement.
type Place struct {
	Line   int    `json:"line"`             // from 1
	Column int    `json:"column,omitempty"` // in characters, from 1; 0: unknown
	Before string `json:"-"`                // part of the line before the error
	At     string `json:"-"`                // the word or character with the error
	After  string `json:"-"`                // part of the line after it
}

// pointer matches DuckDB's excerpt of a statement at the end of a message: a line with its number, and a mark below it.
var pointer = regexp.MustCompile(`(?s)\n+(LINE (\d+): )([^\n]*)\n( *)\^\s*$`)

// word matches what a mark points at.
var word = regexp.MustCompile(`^(?:[\pL\pN_$]+|.)`)

// Locate splits a message of DuckDB into its text and the place in sql that it points at; nil if it points at none.
func Locate(message, sql string) (text string, at *Place) {
	m := pointer.FindStringSubmatch(message)
	if m == nil {
		return message, nil
	}
	text = message[:len(message)-len(m[0])]
	line, err := strconv.Atoi(m[2])
	if err != nil {
		return text, nil
	}
	excerpt := []rune(m[3])
	offset := len(m[4]) - utf8.RuneCountInString(m[1])
	if offset < 0 || offset > len(excerpt) {
		return text, &Place{Line: line, Before: m[3]}
	}
	at = &Place{Line: line, Before: string(excerpt[:offset])}
	rest := string(excerpt[offset:])
	at.At = word.FindString(rest)
	at.After = rest[len(at.At):]
	at.Column = column(sql, line, m[3], offset)
	return text, at
}

// column returns the column of a character of an excerpt, which DuckDB cuts from long lines; 0 if it is unknown.
func column(sql string, line int, excerpt string, offset int) int {
	lines := strings.Split(sql, "\n")
	if line < 1 || line > len(lines) {
		return 0
	}
	part := strings.TrimPrefix(excerpt, "...")
	offset -= utf8.RuneCountInString(excerpt) - utf8.RuneCountInString(part)
	part = strings.TrimSuffix(part, "...")
	whole := strings.TrimRight(lines[line-1], "\r")
	start := strings.Index(whole, strings.TrimRight(part, "\r"))
	if start < 0 || offset < 0 || strings.LastIndex(whole, part) != start {
		return 0
	}
	return utf8.RuneCountInString(whole[:start]) + offset + 1
}
