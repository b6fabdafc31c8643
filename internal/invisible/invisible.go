// Package invisible finds invisible characters that editors, pipelines and web pages leave in texts: byte order marks,
// zero-width and control characters. Its errors name the character and its position, and never quote the text, which
// can be a secret. It does not know where a text comes from.
package invisible

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Decode returns the content of a text file without a byte order mark. It rejects UTF-16, UTF-32 and invalid UTF-8.
func Decode(b []byte) (string, error) {
	for _, mark := range []struct{ bytes, name string }{ // UTF-32 first: its mark starts with one of UTF-16
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(b, []byte(mark.bytes)) {
			return "", fmt.Errorf("is %s text: save it as UTF-8", mark.name)
		}
	}
	if start := b[:min(2, len(b))]; bytes.Count(start, []byte{0}) == 1 { // ASCII in two bytes each, without a mark
		return "", errors.New("is UTF-16 text: save it as UTF-8")
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if !utf8.Valid(b) {
		return "", errors.New("is not UTF-8 text: save it as UTF-8")
	}
	return string(b), nil
}

// Trim returns s without white space and invisible characters around it.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || hidden(r) })
}

// Check returns an error if s has an invisible character anywhere, or white space other than ASCII spaces. Joiners and
// variation selectors are accepted after a character outside ASCII, where emoji and several scripts need them.
func Check(s string) error {
	place, before := 0, 'a'
	for i, r := range s {
		place++
		previous := before
		before = r
		if previous >= utf8.RuneSelf && (r == 0x200c || r == 0x200d || unicode.Is(unicode.Variation_Selector, r)) {
			continue
		}
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return fmt.Errorf("has a byte at character %d that is not UTF-8 text", place)
		}
		if r != ' ' && (hidden(r) || unicode.IsSpace(r)) {
			return fmt.Errorf("has %s (U+%04X) at character %d", describe(r), r, place)
		}
	}
	return nil
}

// hidden reports whether r is invisible. It includes U+FFFD, which is visible but only occurs in wrongly decoded text.
func hidden(r rune) bool {
	return r == utf8.RuneError || r == 0x2800 ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// describe names a character with its article.
func describe(r rune) string {
	switch {
	case r == 0xfeff:
		return "a byte order mark"
	case r == 0x200b:
		return "a zero-width space"
	case r == 0x200c, r == 0x200d, r == 0x2060:
		return "a zero-width joiner"
	case r == 0xad:
		return "a soft hyphen"
	case r == '\n', r == '\r', r == 0x85, r == 0x2028, r == 0x2029:
		return "a line break"
	case r == '\t':
		return "a tab"
	case r == 0xa0, r == 0x202f:
		return "a no-break space"
	case r == utf8.RuneError:
		return "a replacement character, left by a wrong conversion,"
	case unicode.Is(unicode.Bidi_Control, r):
		return "a mark for the direction of text"
	case unicode.Is(unicode.Cc, r):
		return "a control character"
	case unicode.IsSpace(r):
		return "a special space"
	}
	return "an invisible character"
}
