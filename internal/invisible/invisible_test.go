package invisible_test

import (
	"strings"
	"testing"

	"mixduck/internal/invisible"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		err            string // part of the error; "" for none
	}{
		{"plain text stays", "s3cret\r\n", "s3cret\r\n", ""},
		{"other scripts stay", "données 日本\n", "données 日本\n", ""},
		{"nothing stays nothing", "", "", ""},
		{"a byte order mark goes", "\xef\xbb\xbfs3cret", "s3cret", ""},
		{"only the first one goes", "\ufeffa\ufeff", "a\ufeff", ""},
		{"UTF-16, little end first", "\xff\xfes\x003\x00", "", "UTF-16"},
		{"UTF-16, big end first", "\xfe\xff\x00s\x003", "", "UTF-16"},
		{"UTF-16 without a mark", "s\x003\x00", "", "UTF-16"},
		{"UTF-16 without a mark, big end first", "\x00s\x003", "", "UTF-16"},
		{"UTF-32", "\xff\xfe\x00\x00s\x00\x00\x00", "", "UTF-32"},
		{"UTF-32, big end first", "\x00\x00\xfe\xff\x00\x00\x00s", "", "UTF-32"},
		{"Latin-1", "s\xe9cret", "", "not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := invisible.Decode([]byte(tt.in))
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Decode(%q) = %q, %v, want %q and an error with %q", tt.in, got, err, tt.want, tt.err)
			}
		})
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"s3cret":                     "s3cret",
		" two words\r\n":             "two words",
		"\u200bs3cret\u200b\n":       "s3cret",
		"\ufeff\u00a0s3cret\u00ad ":  "s3cret",
		"\u202as3cret\u202c":         "s3cret",
		"\x00s3cret\x00":             "s3cret",
		"s3\u200bcret":               "s3\u200bcret",
		"\u2060\ufe0f\u3164\u180e\n": "",
	} {
		if got := invisible.Trim(in); got != want {
			t.Errorf("Trim(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

func TestCheckNamesTheCharacterAndItsPlace(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                "",
		"two words, é 日本": "",
		"❤\ufe0f 👩\u200d💻 می\u200cخواهم": "",
		"s3\u200dcret": "has a zero-width joiner (U+200D) at character 3",
		"s3\u200bcret": "has a zero-width space (U+200B) at character 3",
		"é\ufeff":      "has a byte order mark (U+FEFF) at character 2",
		"a\u00a0b":     "has a no-break space (U+00A0) at character 2",
		"a\u2003b":     "has a special space (U+2003) at character 2",
		"user\nsecret": "has a line break (U+000A) at character 5",
		"a\tb":         "has a tab (U+0009) at character 2",
		"a\x1b[2Jb":    "has a control character (U+001B) at character 2",
		"a\u202eb":     "has a mark for the direction of text (U+202E) at character 2",
		"a\ufe0fb":     "has an invisible character (U+FE0F) at character 2",
		"a\ufffdb":     "has a replacement character, left by a wrong conversion, (U+FFFD) at character 2",
		"é\xffb":       "has a byte at character 2 that is not UTF-8 text",
	} {
		got := ""
		if err := invisible.Check(in); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Check(%+q) = %q, want %q", in, got, want)
		}
	}
}
