package answer_test

import (
	"testing"

	"mixduck/web/page/answer"
)

func TestReadably(t *testing.T) {
	t.Parallel()
	for blob, want := range map[string]string{
		``:                                 ``,
		`plain`:                            `plain`,
		`{\x22event\x22:\x22\xC3\xBC\x22}`: `{"event":"ü"}`,
		`\xE6\x97\xA5\xE6\x9C\xAC`:         `日本`,
		`\x27\x5C\x5Cx41`:                  `'\\x41`, // a backslash of the line stays
		`\xFF\xC3 \xED\xA0\x80`:            `\xFF\xC3 \xED\xA0\x80`,
		`\xEF\xBF\xBD`:                     "\ufffd",
		`\x00\x09\x0D\x1B[2J\x7F`:          `\x00\x09\x0D\x1B[2J\x7F`,
		`a\xE2\x80\xAEb\xEF\xBB\xBF`:       `a\xE2\x80\xAEb\xEF\xBB\xBF`,
	} {
		if got := answer.Readably(blob); got != want {
			t.Errorf("Readably(%q) = %q, want %q", blob, got, want)
		}
	}
}
