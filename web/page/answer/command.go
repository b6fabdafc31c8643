package answer

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"mixduck/jobs"
)

// Command returns the command that asks the same as q, for a shell.
func Command(q jobs.Query) string {
	var b strings.Builder
	b.WriteString("enqueue query --database " + quote(q.Database))
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		b.WriteString(" --param " + quote(name+"="+q.Params[name]))
	}
	if strings.HasPrefix(q.SQL, "-") {
		b.WriteString(" --")
	}
	return b.String() + " " + quote(q.SQL)
}

// plain matches words that a shell takes as they are.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./=:,@+-]+$`)

// Shell returns a command of these words, for a shell.
func Shell(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

func quote(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
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
