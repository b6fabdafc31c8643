package query

import (
	"strings"

	"mixduck/internal/fault"
)

// walk visits a syntax tree of any form, and returns an error for the first part that is not known to be harmless. In
// the output of json_serialize_sql, an object with a class is an expression. One with a type is a node of a statement,
// a source of rows, or a part of these. Other objects contain such objects.
func (a allowed) walk(v any) error {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			if err := a.walk(child); err != nil {
				return err
			}
		}
	case map[string]any:
		if _, ok := v["is_null"]; ok { // a constant: any text in it is harmless
			return nil
		}
		if err := a.check(v); err != nil {
			return err
		}
		for _, child := range v {
			if err := a.walk(child); err != nil {
				return err
			}
		}
	}
	return nil
}

// classes are the allowed expressions, in addition to functions.
var classes = setOf("CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "BETWEEN", "LAMBDA",
	"LAMBDA_REF", "OPERATOR", "PARAMETER", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY")

// types are the other allowed parts.
var types = setOf("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", // nodes
	"EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SUBQUERY", // sources of rows
	"DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
	"ASCENDING", "DESCENDING", "ORDER_DEFAULT")

// check checks a single object, without its children.
func (a allowed) check(object map[string]any) error {
	if class, ok := object["class"].(string); ok {
		switch {
		case class == "FUNCTION" || class == "WINDOW":
			return a.checkFunction(object)
		case !classes[class]:
			return refuse("%s is not allowed in a query", strings.ToLower(class))
		}
		return nil
	}
	kind, ok := object["type"].(string)
	if !ok {
		return nil
	}
	switch {
	case kind == "BASE_TABLE":
		return checkTable(object)
	case kind == "TABLE_FUNCTION":
		return a.checkTableFunction(object)
	case kind == "SHOW_REF":
		return checkShow(object)
	case !types[kind] && !strings.HasSuffix(kind, "_TYPE_INFO"):
		return refuse("%s is not allowed in a query", strings.ToLower(kind))
	}
	return nil
}

func (a allowed) checkFunction(object map[string]any) error {
	name := lower(object["function_name"])
	if export, ok := object["export_state"].(bool); !a.scalar[name] || !ok && object["class"] == "FUNCTION" || export {
		return refuse("function %s is not allowed in a query", name)
	}
	return nil
}

// checkTableFunction checks the function of a table function, and removes it, because it must not be checked as a
// scalar function.
func (a allowed) checkTableFunction(object map[string]any) error {
	function, ok := object["function"].(map[string]any)
	if !ok {
		return refuse("this row source is not allowed in a query")
	}
	name := lower(function["function_name"])
	if isMacro(name) {
		if err := checkSource(function); err != nil {
			return err
		}
	} else if !a.table[name] {
		return refuse("table function %s is not allowed in a query", name)
	}
	object["function"] = function["children"]
	return nil
}

// checkTable accepts only names that cannot be files. DuckDB would read other names as files.
func checkTable(object map[string]any) error {
	name := lower(object["table_name"])
	if name == "" || strings.ContainsAny(name, `./\:*?[`) {
		return refuse("%q is not a table, and a query cannot read files", name)
	}
	for _, prefix := range []string{"duckdb_", "pragma_", "pg_settings"} {
		if strings.HasPrefix(name, prefix) && !catalogViews[name] {
			return refuse("%s is not allowed in a query", name)
		}
	}
	return nil
}

// catalogViews are DuckDB's views about the content of the database.
var catalogViews = setOf("duckdb_columns", "duckdb_constraints", "duckdb_indexes", "duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views")

// checkShow checks a SHOW that is not DESCRIBE or SUMMARIZE of something else.
func checkShow(object map[string]any) error {
	switch name := lower(object["table_name"]); {
	case object["query"] != nil, name == `"tables"`, name == "__show_tables_expanded", lower(object["show_type"]) == "show_from":
		return nil
	default:
		return refuse("SHOW %s is not allowed in a query", name)
	}
}

func refuse(format string, args ...any) error {
	return fault.Usage("queries can read tables of this database and use functions without side effects; 'SHOW TABLES' lists the tables", format, args...)
}

func lower(v any) string {
	s, _ := v.(string)
	return strings.ToLower(s)
}

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
