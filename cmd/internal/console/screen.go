package console

import (
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Printable returns s without what would move a terminal's cursor or change its state: control characters become spaces, and
// invisible ones, which could reverse the line, are dropped.
func Printable(s string) string { return strings.Map(printable, strings.ToValidUTF8(s, "\ufffd")) }

// Text returns s as [Printable] does, with its line ends and tabs.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return printable(r)
	}, strings.ToValidUTF8(s, "\ufffd"))
}

func printable(r rune) rune {
	switch {
	case unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// screen is a stream for people: what is written to it passes through [Text], wherever it is from. Texts of servers, event
// names and errors of databases all end up here.
type screen struct{ io.Writer }

// Write writes p as text. p holds whole characters.
func (s screen) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.Writer, Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Fd returns the file descriptor below, or one that is none.
func (s screen) Fd() uintptr {
	if f, ok := s.Writer.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// Raw returns the stream below one that only takes text, for those who control a terminal or write for machines.
func Raw(w io.Writer) io.Writer {
	if s, ok := w.(screen); ok {
		return s.Writer
	}
	return w
}

// escaped returns s in one line: what [Printable] would not show is written as in Go, for example \t, \x1b or \u202e, and a
// backslash as two.
func escaped(s string) string {
	if !strings.ContainsFunc(s, mustEscape) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if mustEscape(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func mustEscape(r rune) bool { return r == '\\' || printable(r) != r }
