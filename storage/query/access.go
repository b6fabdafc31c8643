package query

import (
	"maps"
	"regexp"
)

// access is an expression that reads one property as text, and exactly as its column has it: properties ->> 'plan', or
// a function that is the same.
type access struct {
	node     map[string]any // in the syntax tree
	column   map[string]any // the reference to the column properties
	path     map[string]any // the constant
	table    string         // lower case, as the statement calls it; "" if it is not certain
	alias    string         // of the table in the statement
	property string
}

func newAccess(f map[string]any, arguments []any, s *scope) (access, bool) {
	column, _ := arguments[0].(map[string]any)
	path, _ := arguments[1].(map[string]any)
	names, _ := column["column_names"].([]any)
	if column["class"] != "COLUMN_REF" || lower(last(names)) != "properties" {
		return access{}, false
	}
	text, isText := textConstant(path)
	property, ok := propertyOf(text)
	if !isText || !ok {
		return access{}, false
	}
	a := access{node: f, column: column, path: path, property: property}
	if s == nil || s.hidden["properties"] {
		return a, true
	}
	switch len(names) {
	case 1:
		a.alias = s.alias
	case 2:
		a.alias = lower(names[0])
	}
	if a.alias != "" && !s.hidden[a.alias] {
		a.table = s.tables[a.alias]
	}
	return a, true
}

// textConstant returns the text of a constant that is a text.
func textConstant(v map[string]any) (string, bool) {
	if v["class"] != "CONSTANT" || field(field(v["value"], "type"), "id") != "VARCHAR" {
		return "", false
	}
	text, ok := field(v["value"], "value").(string)
	return text, ok
}

func last(v any) any {
	if all, ok := v.([]any); ok && len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// pathForms are the arguments of ->> that read a single property: a name, $.name, $."name" and /name. Names with
// characters that mean something in one of these forms are left out.
var pathForms = []*regexp.Regexp{
	regexp.MustCompile(`^([^$/"\\*~\x00-\x1f][^"\\*\x00-\x1f]*)$`),
	regexp.MustCompile(`^\$\.([A-Za-z_][A-Za-z0-9_]*)$`),
	regexp.MustCompile(`^\$\."([^"\\*\x00-\x1f]+)"$`),
	regexp.MustCompile(`^/([^/~"\\*\x00-\x1f]*[^/~"\\*\x00-\x1f0-9][^/~"\\*\x00-\x1f]*)$`),
}

// propertyOf returns the property that a path reads.
func propertyOf(path string) (string, bool) {
	for _, form := range pathForms {
		if m := form.FindStringSubmatch(path); m != nil {
			return m[1], true
		}
	}
	return "", false
}

// start returns where the access is in the statement.
func (a access) start() int {
	at, _ := a.column["query_location"].(float64)
	return int(at)
}

// Between the reference to the column and the constant of an access stands an operator, or a comma.
var (
	reference  = `(?:(?:[A-Za-z_][A-Za-z0-9_]*|"[^"]+")\s*\.\s*)?(?:(?i:properties)|"(?i:properties)")`
	byOperator = regexp.MustCompile(`^` + reference + `\s*->>\s*$`)
	byFunction = regexp.MustCompile(`^(?i:json_extract_string|json_extract_path_text)\s*\(\s*` + reference + `\s*,\s*$`)
	constant   = regexp.MustCompile(`^'(?:[^']|'')*'`)
	closing    = regexp.MustCompile(`^\s*\)`)
)

// find returns the text of the access, if it is written in a simple way.
func (a access) find(text string) (from, to int, ok bool) {
	from, between := a.start(), byOperator
	if a.node["function_name"] != "->>" {
		at, _ := a.node["query_location"].(float64)
		from, between = int(at), byFunction
	}
	at, _ := a.path["query_location"].(float64)
	to = int(at)
	if from < 0 || to <= from || to >= len(text) || !between.MatchString(text[from:to]) {
		return 0, 0, false
	}
	to += len(constant.FindString(text[to:]))
	if between == byFunction {
		end := closing.FindString(text[to:])
		if end == "" {
			return 0, 0, false
		}
		to += len(end)
	}
	return from, to, to > int(at)
}

// replace makes the access a reference to a column in the syntax tree.
func (a access) replace(column string) {
	alias := a.node["alias"]
	reference := maps.Clone(a.column)
	reference["column_names"], reference["alias"] = []any{a.alias, column}, alias
	clear(a.node)
	maps.Copy(a.node, reference)
}
