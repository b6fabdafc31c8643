package cage

import (
	"strings"
	"testing"
)

func TestProfile(t *testing.T) {
	t.Parallel()
	got := profile("/opt/mixduck/worker", Config{Read: []string{`/Users/ann/a "b" \c`}, Write: []string{"/Users/ann/spool"}})
	after := -1 // if two rules match, the later one applies
	for _, rule := range []string{
		"(deny network*)\n(deny process-fork)\n(deny process-exec*)",
		`(deny file-read* (subpath "/Users"))`,
		`(allow process-exec* file-read* (literal "/opt/mixduck/worker"))`,
		`(allow file-read* (subpath "/Users/ann/a \"b\" \\c"))`,
		`(allow file-read* file-write* (subpath "/Users/ann/spool"))`,
	} {
		at := strings.Index(got, rule)
		if at <= after {
			t.Errorf("%s is not there, or before what it is to overrule:\n%s", rule, got)
		}
		after = at
	}
	if strings.Count(got, "(") != strings.Count(got, ")") {
		t.Errorf("parentheses do not match:\n%s", got)
	}
}
