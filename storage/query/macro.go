package query

import (
	"slices"
	"strings"

	"mixduck/storage"
)

// createMacros creates Mixduck's macros that the statement mentions, for the session only. So queries use the macros of
// this version, also if the database has others or none, because it was written by an older one.
func (st *statement) createMacros(s *storage.Session) error {
	text := strings.ToLower(st.text)
	for _, m := range storage.Macros() {
		if !strings.Contains(text, m.Name) {
			continue
		}
		if err := s.Exec(m.Temporary()); err != nil {
			return err
		}
	}
	return nil
}

func isMacro(name string) bool {
	return slices.ContainsFunc(storage.Macros(), func(m storage.Macro) bool { return m.Name == name })
}

const sourceHint = "the first argument must be the name of a table in main or of a WITH, such as 'events'"

// checkSource checks the first argument of a macro of storage, with which it calls query_table: a name, quoted or not.
// DuckDB would read names that it does not know as files.
func checkSource(function map[string]any) error {
	arguments, _ := function["children"].([]any)
	named := func(v any) bool { return lower(field(v, "alias")) == "source" }
	i := max(0, slices.IndexFunc(arguments, named))
	if i >= len(arguments) || slices.ContainsFunc(arguments[i+1:], named) {
		return refuse(sourceHint)
	}
	var name any
	switch source := arguments[i]; field(source, "class") {
	case "CONSTANT":
		name = field(field(source, "value"), "value")
	case "COLUMN_REF":
		if parts, _ := field(source, "column_names").([]any); len(parts) == 1 {
			name = parts[0]
		}
	}
	if checkTable(map[string]any{"table_name": name}) != nil {
		return refuse(sourceHint)
	}
	return nil
}

// field returns a field of an object, nil if v is something else or has no such field.
func field(v any, name string) any {
	object, _ := v.(map[string]any)
	return object[name]
}
