package answer

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"mixduck/internal/wording"
)

// Readably returns a BLOB as people read it. The blob is in the text form of DuckDB, which has \xNN in place of each byte that is
// not a plain character of ASCII, quotes too. In the result, only bytes that cannot be shown are written like this: those that
// are not UTF-8, and control and invisible characters.
func Readably(blob string) string {
	text := unescape(blob)
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if wording.IsPrintable(r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(text[:n])
		} else {
			for i := range n {
				fmt.Fprintf(&b, `\x%02X`, text[i])
			}
		}
		text = text[n:]
	}
	return b.String()
}

// unescape returns the bytes of a BLOB in the text form of DuckDB.
func unescape(blob string) string {
	const digits = 2
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(blob, `\x`)
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		blob = rest
		if len(rest) >= digits {
			if c, err := hex.DecodeString(rest[:digits]); err == nil {
				b.Write(c)
				blob = rest[digits:]
			}
		}
	}
}
