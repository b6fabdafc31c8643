package query

import (
	"embed"
	"strings"
)

//go:embed allow/*.txt
var allowFiles embed.FS

// allowed are the functions that a query may use. The lists are in files and reviewed by people: functions added by a
// newer DuckDB are not allowed until somebody adds them, and a test requires a decision.
type allowed struct{ scalar, table map[string]bool }

func loadAllowed() (allowed, error) {
	scalar, err := readNames("allow/scalar.txt")
	if err != nil {
		return allowed{}, err
	}
	table, err := readNames("allow/table.txt")
	return allowed{scalar: scalar, table: table}, err
}

func readNames(file string) (map[string]bool, error) {
	b, err := allowFiles.ReadFile(file)
	return parseNames(string(b)), err
}

// parseNames parses a list: names separated by white space, and comments from # to the end of the line.
func parseNames(text string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for name := range strings.FieldsSeq(line) {
			set[name] = true
		}
	}
	return set
}
