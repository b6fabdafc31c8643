// Package corpustest reads files of statements for tests, such as storage/query/testdata/hostile.sql.
package corpustest

import (
	"os"
	"strings"
	"testing"
)

// Statement is one of a file.
type Statement struct {
	Becomes string // the expected outcome
	About   string
	SQL     string
}

// Read reads a file of statements, each after a line "--- outcome: description". It replaces pairs of old and new text
// in them, like [strings.NewReplacer].
func Read(tb testing.TB, path string, replace ...string) (all []Statement) {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "\n--- ")
	for part := range strings.SplitSeq(text, "\n--- ") {
		head, sql, _ := strings.Cut(part, "\n")
		becomes, about, ok := strings.Cut(head, ": ")
		if !ok {
			tb.Fatalf("%s: %q is not a heading", path, head)
		}
		all = append(all, Statement{becomes, about, strings.NewReplacer(replace...).Replace(strings.TrimSuffix(sql, "\n"))})
	}
	return all
}
