package storage

import (
	"strconv"
	"strings"
	"unicode"
)

// maxModelName is the maximum length of names in the model, in characters, without a number at the end.
const maxModelName = 60

// snake returns a name in snake_case: letters and digits in lower case, with an underscore for everything else and
// before a capital letter after a small one. A name without letters and digits becomes otherwise.
func snake(name, otherwise string) string {
	var b strings.Builder
	gap, small, n := false, false, 0
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap, small = true, false
			continue
		}
		if n == 0 && (unicode.IsDigit(r) || unicode.IsMark(r)) || n > 0 && (gap || small && unicode.IsUpper(r)) {
			b.WriteByte('_')
			n++
		}
		if n >= maxModelName {
			break
		}
		b.WriteRune(unicode.ToLower(r))
		n++
		gap, small = false, unicode.IsLower(r) || unicode.IsDigit(r)
	}
	if n == 0 {
		return otherwise
	}
	return strings.TrimRight(b.String(), "_")
}

// numbered returns the n-th name of several that would be equal.
func numbered(base string, n int) string {
	return strings.TrimRight(base, "_") + "_" + strconv.Itoa(n)
}
