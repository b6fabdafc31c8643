package query

import "strings"

// Read is a property that a statement reads.
type Read struct {
	Table    string `json:"table"`
	Property string `json:"property"`
}

// maxReads limits the properties that are noted of one statement.
const maxReads = 100

// scope is what the FROM of one SELECT contains.
type scope struct {
	tables map[string]string // names of tables by alias, both lower case; "" if the alias is not certain
	alias  string            // of the only source of rows, if that is a table
	hidden map[string]bool   // aliases of results, which can hide columns, lower case
}

// usage finds in a syntax tree what a statement reads of properties.
type usage struct {
	ctes     map[string]bool // names of WITH, lower case
	tables   map[string]bool // names of all tables, lower case, with their schema if they have one
	columns  map[string]bool // last parts of all references to columns, lower case
	accesses []access
	others   map[string]bool // properties that are read in other ways
}

// textFunctions return the same as ->>.
var textFunctions = setOf("->>", "json_extract_string", "json_extract_path_text")

// jsonFunctions read properties in another way.
var jsonFunctions = setOf("->", "json_extract", "json_extract_path", "json_value", "json_exists", "json_type", "json_contains", "json_array_length", "json_keys")

// newUsage looks through the tree of a statement.
func newUsage(node any) *usage {
	u := &usage{ctes: map[string]bool{}, tables: map[string]bool{}, columns: map[string]bool{}, others: map[string]bool{}}
	u.findCTEs(node)
	u.visitTop(node)
	return u
}

func (u *usage) findCTEs(v any) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			u.findCTEs(child)
		}
	case map[string]any:
		for _, name := range []string{"cte_name", "ctename"} {
			u.ctes[lower(v[name])] = true
		}
		if entries, ok := field(v["cte_map"], "map").([]any); ok {
			for _, e := range entries {
				u.ctes[lower(field(e, "key"))] = true
			}
		}
		for _, child := range v {
			u.findCTEs(child)
		}
	}
}

// visitTop visits the node of a statement. Nothing else uses the names of its results.
func (u *usage) visitTop(v any) {
	node, _ := v.(map[string]any)
	switch node["type"] {
	case "SELECT_NODE":
		u.visitSelect(node, false)
	case "SET_OPERATION_NODE":
		for key, child := range node {
			if key == "left" || key == "right" {
				u.visitTop(child)
			} else if children, ok := child.([]any); ok && key == "children" {
				for _, c := range children {
					u.visitTop(c)
				}
			} else {
				u.visit(child, nil)
			}
		}
	default:
		u.visit(v, nil)
	}
}

func (u *usage) visitSelect(node map[string]any, named bool) {
	s := &scope{tables: map[string]string{}, hidden: map[string]bool{}}
	from, _ := node["from_table"].(map[string]any)
	u.addSources(from, s.tables)
	if from["type"] == "BASE_TABLE" {
		s.alias = aliasOf(from)
	}
	items, _ := node["select_list"].([]any)
	for _, item := range items {
		findAliases(item, s.hidden)
	}
	found := len(u.accesses)
	for key, child := range node {
		switch key {
		case "from_table":
			u.visitFrom(child)
		case "cte_map":
			u.visit(child, nil)
		default:
			u.visit(child, s)
		}
	}
	if named && u.unnamed(items) {
		for i := range u.accesses[found:] {
			u.accesses[found+i].table = ""
		}
	}
}

// unnamed reports whether a result without a name contains an access: its name is the text of the expression.
func (u *usage) unnamed(items []any) bool {
	for _, item := range items {
		if lower(field(item, "alias")) == "" && contains(item, func(v map[string]any) bool { return textFunctions[lower(v["function_name"])] }) {
			return true
		}
	}
	return false
}

// contains reports whether the tree v has an object for which fn is true.
func contains(v any, fn func(map[string]any) bool) bool {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			if contains(child, fn) {
				return true
			}
		}
	case map[string]any:
		if fn(v) {
			return true
		}
		for _, child := range v {
			if contains(child, fn) {
				return true
			}
		}
	}
	return false
}

// findAliases adds all aliases within the tree v.
func findAliases(v any, to map[string]bool) {
	contains(v, func(object map[string]any) bool {
		to[lower(object["alias"])] = true
		return false
	})
}

// addSources adds the tables of a FROM by their aliases.
func (u *usage) addSources(from map[string]any, to map[string]string) {
	switch from["type"] {
	case "JOIN":
		for _, side := range []string{"left", "right"} {
			child, _ := from[side].(map[string]any)
			u.addSources(child, to)
		}
	case "BASE_TABLE":
		alias, table := aliasOf(from), lower(from["table_name"])
		renamed, _ := from["column_name_alias"].([]any)
		if _, twice := to[alias]; twice || !isMain(from) || u.ctes[table] || len(renamed) > 0 {
			table = ""
		}
		to[alias] = table
	default:
		to[lower(from["alias"])] = ""
	}
}

// isMain reports whether a table is one of the database's schema main.
func isMain(table map[string]any) bool {
	schema := lower(table["schema_name"])
	return lower(table["catalog_name"]) == "" && (schema == "" || schema == "main")
}

// aliasOf returns the name of a table in the statement, in lower case.
func aliasOf(table map[string]any) string {
	if alias := lower(table["alias"]); alias != "" {
		return alias
	}
	return lower(table["table_name"])
}

// visitFrom visits sources of rows. The condition of a join sees the sources of both sides.
func (u *usage) visitFrom(v any) {
	from, _ := v.(map[string]any)
	switch from["type"] {
	case "BASE_TABLE":
		name := lower(from["table_name"])
		if schema := lower(from["schema_name"]); schema != "" && schema != "main" {
			name = schema + "." + name
		}
		if !u.ctes[name] {
			u.tables[name] = true
		}
	case "JOIN":
		s := &scope{tables: map[string]string{}, hidden: map[string]bool{}}
		u.addSources(from, s.tables)
		for key, child := range from {
			if key == "left" || key == "right" {
				u.visitFrom(child)
			} else {
				u.visit(child, s)
			}
		}
	default:
		u.visit(v, nil)
	}
}

// visit visits any part of a tree. In s are the sources that its references can mean, nil if that is not certain.
func (u *usage) visit(v any, s *scope) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			u.visit(child, s)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		_, isConstant := v["is_null"]
		switch {
		case isConstant:
			return
		case v["class"] == nil && kind == "SELECT_NODE":
			u.visitSelect(v, true)
			return
		case v["class"] == nil && kind == "TABLE_FUNCTION":
			u.addArguments(v)
			s = nil
		case v["class"] == nil && (strings.HasSuffix(kind, "_NODE") || kind == "PIVOT"):
			s = nil
		case v["class"] == nil && (kind == "BASE_TABLE" || kind == "JOIN"):
			u.visitFrom(v)
			return
		case v["class"] == "COLUMN_REF":
			u.columns[lower(last(v["column_names"]))] = true
			return
		case v["class"] == "LAMBDA": // also properties -> 'plan'
			u.note(v["lhs"], v["expr"])
			s = nil
		case v["class"] == "FUNCTION":
			if u.function(v, s) {
				return
			}
		}
		for _, child := range v {
			u.visit(child, s)
		}
	}
}

// addArguments adds everything that can be the table of a macro: funnel('events', …).
func (u *usage) addArguments(call map[string]any) {
	contains(call, func(v map[string]any) bool {
		if text, ok := textConstant(v); ok {
			u.tables[strings.ToLower(text)] = true
		}
		if v["class"] == "COLUMN_REF" {
			u.tables[lower(last(v["column_names"]))] = true
		}
		return false
	})
}

// function visits a function, and reports whether it is an access.
func (u *usage) function(f map[string]any, s *scope) bool {
	name := lower(f["function_name"])
	arguments, _ := f["children"].([]any)
	if !textFunctions[name] && !jsonFunctions[name] || len(arguments) == 0 {
		return false
	}
	if len(arguments) == 2 && textFunctions[name] && lower(f["schema"]) == "" && lower(f["catalog"]) == "" {
		if a, ok := newAccess(f, arguments, s); ok {
			u.accesses = append(u.accesses, a)
			return true
		}
	}
	for _, path := range arguments[1:] {
		u.note(arguments[0], path)
	}
	return false
}

// note notes paths that are not read as text.
func (u *usage) note(column, path any) {
	if field(column, "class") != "COLUMN_REF" || lower(last(field(column, "column_names"))) != "properties" {
		return
	}
	contains(path, func(v map[string]any) bool {
		if text, ok := textConstant(v); ok {
			if p, ok := propertyOf(text); ok {
				u.others[p] = true
			}
		}
		return false
	})
}
