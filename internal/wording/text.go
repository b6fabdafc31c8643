package wording

import (
	"strings"
	"unicode"
)

// Printable returns s without anything that would move a terminal's cursor or change its state: control characters
// become spaces, and invisible characters, which could reverse the line, are removed.
func Printable(s string) string { return strings.Map(printable, strings.ToValidUTF8(s, "\ufffd")) }

// Text is [Printable] but keeps line ends and tabs.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return printable(r)
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// IsPrintable reports whether [Printable] keeps r.
func IsPrintable(r rune) bool { return printable(r) == r }

func printable(r rune) rune {
	switch {
	case unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

const ellipsis = "…"

// Cut returns s, which must be [Printable], in at most width columns. An ellipsis replaces what does not fit. A width
// of 0 or less means any.
func Cut(s string, width int) string {
	if width <= 0 || Columns(s) <= width {
		return s
	}
	used := Columns(ellipsis)
	for i, r := range s {
		if used += runeColumns(r); used > width {
			return s[:i] + ellipsis
		}
	}
	return s
}

// Pad appends spaces to s up to width columns.
func Pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-Columns(s)))
}

// Columns returns the number of terminal columns of s. Terminals differ; it prefers to return too many.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me): // combining marks take no column
		return 0
	case r < 0x1100: // before the first wide script
		return 1
	case r <= 0x115f, // Hangul
		r >= 0x2e80 && r <= 0xa4cf, // from the radicals of CJK to Yi
		r >= 0xac00 && r <= 0xd7a3, // Hangul
		r >= 0xf900 && r <= 0xfaff, // more of CJK
		r >= 0xfe30 && r <= 0xfe6f, // vertical and small forms
		r >= 0xff00 && r <= 0xff60, // fullwidth forms
		r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f000, // emoji, and the rest of CJK
		unicode.Is(unicode.So, r):
		return 2
	}
	return 1
}
