package console

import (
	"io"
	"strconv"
	"strings"

	"mixduck/internal/wording"
)

// screen is a stream for people. Everything written to it passes through [wording.Text], because it can contain texts of
// servers, event names and errors of databases.
type screen struct{ io.Writer }

// Write writes p as text. p must contain complete characters.
func (s screen) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.Writer, wording.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Fd returns the file descriptor of the stream, or an invalid one.
func (s screen) Fd() uintptr {
	if f, ok := s.Writer.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// Raw returns the stream below a screen, for terminal control or machine-readable output.
func Raw(w io.Writer) io.Writer {
	if s, ok := w.(screen); ok {
		return s.Writer
	}
	return w
}

// escaped returns s on one line: characters that [wording.Printable] would change are written as in Go, for example \t, \x1b
// or \u202e, and backslashes are doubled.
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

func mustEscape(r rune) bool { return r == '\\' || !wording.IsPrintable(r) }
