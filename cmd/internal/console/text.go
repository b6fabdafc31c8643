package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"mixduck/internal/day"
)

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

// Grouped returns n with a comma between thousands.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counted returns n with a noun in the right number.
func Counted(n int64, one string) string { return CountedAs(n, one, one+"s") }

// CountedAs is Counted for an irregular plural.
func CountedAs(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(n) + " " + many
}

// Megabytes returns n bytes as millions.
func Megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// TimeOfDay describes a future time t in the zone of now, and the time until then. It includes the date unless t is
// today.
func TimeOfDay(t, now time.Time) string {
	t = t.In(now.Location())
	layout := time.TimeOnly
	if day.Of(t) != day.Of(now) {
		layout = time.DateTime
	}
	return fmt.Sprintf("%s (%s)", t.Format(layout), ShortTime(max(0, t.Sub(now))))
}

// ShortTime formats d with reasonable precision.
func ShortTime(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
	default:
		d = d.Round(time.Minute)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
