package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mixduck/analysis"
	"mixduck/internal/day"
	"mixduck/internal/wording"
	"mixduck/jobs"
)

// SavedSQL returns a saved question as an SQL file. Comments at its start have its name, its database and the values of its
// parameters.
func SavedSQL(s jobs.SavedQuestion, today day.Day) (string, error) {
	sql, values := s.SQL, map[string]string{}
	for name, all := range s.Params {
		values[name] = strings.Join(all, " ")
	}
	if s.Question != "" {
		var err error
		if sql, values, err = analysis.Statement(s.Question, s.Params, today); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s\n-- database: %s\n", s.Name, wording.Printable(s.Database))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "-- $%s: %q\n", wording.Printable(name), values[name]) // on one line
	}
	return b.String() + "\n" + sql + "\n", nil
}
