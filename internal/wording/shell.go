package wording

import (
	"regexp"
	"strings"
)

// plain matches words that a shell takes literally.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./=:,@+-]+$`)

// Shell returns the words as a command line for a POSIX shell, quoted where necessary.
func Shell(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if !plain.MatchString(word) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		quoted[i] = word
	}
	return strings.Join(quoted, " ")
}
