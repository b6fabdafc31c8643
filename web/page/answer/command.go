package answer

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"mixduck/internal/wording"
)

// Command returns the command for a shell that runs a ready-made question or, if its name is "", a statement.
func Command(database, question, sql string, params map[string][]string) string {
	words := []string{"enqueue", "query", "--database", database}
	if question != "" {
		words = append(words, "--question", question)
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for _, value := range params[name] {
			if value != "" || question == "" {
				words = append(words, "--param", name+"="+value)
			}
		}
	}
	if question == "" {
		if strings.HasPrefix(sql, "-") {
			words = append(words, "--")
		}
		words = append(words, sql)
	}
	return wording.Shell(words...)
}

// Parameters returns the names of the parameters in a statement, in their order.
func Parameters(sql string) (names []string) {
	for len(sql) > 0 {
		m := token.FindStringSubmatchIndex(sql)
		if m == nil {
			break
		}
		if m[2] >= 0 {
			if name := sql[m[2]:m[3]]; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		sql = sql[m[1]:]
	}
	return names
}

// token matches a parameter, with its name as the group, or a text, name or comment in which there is none.
var token = regexp.MustCompile(`(?s)'(?:[^']|'')*'?|"(?:[^"]|"")*"?|--[^\n]*|/\*.*?(?:\*/|$)|\$\$.*?(?:\$\$|$)|\$([A-Za-z_][A-Za-z0-9_]*)`)
