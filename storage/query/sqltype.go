package query

import (
	"regexp"
	"strings"
)

// shape is how a value of a type is written in JSON.
type shape int

const (
	text     shape = iota // a string
	number                // bare, unless it is none
	boolean               // bare
	document              // a JSON text as it is
	nested                // an array or object
)

var numbers = setOf("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
	"BIGNUM", "FLOAT", "DOUBLE")

// shapeOf returns the shape of a type by its name.
func shapeOf(sqlType string) shape {
	switch {
	case numbers[sqlType] || strings.HasPrefix(sqlType, "DECIMAL("):
		return number
	case sqlType == "BOOLEAN":
		return boolean
	case sqlType == "JSON":
		return document
	case strings.HasSuffix(sqlType, "]"), strings.HasPrefix(sqlType, "STRUCT("), strings.HasPrefix(sqlType, "MAP("), strings.HasPrefix(sqlType, "UNION("):
		return nested
	}
	return text
}

// asText is the expression for the text of a column.
func asText(column string) string { return "CAST(" + column + " AS VARCHAR)" }

// asJSON is the expression for what a column is in JSON, but for the quotes of a string.
func asJSON(column, sqlType string) string {
	switch {
	case sqlType == "JSON[]": // to_json would write the numbers in it anew
		return "'[' || array_to_string(list_transform(" + column + ", lambda x: coalesce(CAST(x AS VARCHAR), 'null')), ',') || ']'"
	case shapeOf(sqlType) == nested:
		return asText("to_json(" + column + ")")
	}
	return asText(column)
}

// quoted are the parts of a type's name that somebody has chosen: names of fields and values of enums.
var (
	quoted  = regexp.MustCompile(`"(?:[^"]|"")*"|'(?:[^']|'')*'`)
	hugeint = regexp.MustCompile(`\bU?HUGEINT\b`)
)

// asParquet is the expression for a column in Parquet, where DuckDB would turn a HUGEINT into a DOUBLE, and an INTERVAL into
// one of milliseconds, without a word.
func asParquet(column, sqlType string) string {
	switch sqlType {
	case "INTERVAL", "BIT", "BIGNUM", "TIME WITH TIME ZONE":
		return asText(column)
	}
	exact := replaceUnquoted(sqlType, hugeint, "DECIMAL(38,0)")
	if exact == sqlType {
		return column
	}
	return "CAST(" + column + " AS " + exact + ")"
}

// replaceUnquoted replaces what matches outside of quotes.
func replaceUnquoted(s string, what *regexp.Regexp, with string) string {
	var b strings.Builder
	end := 0
	for _, q := range quoted.FindAllStringIndex(s, -1) {
		b.WriteString(what.ReplaceAllString(s[end:q[0]], with))
		b.WriteString(s[q[0]:q[1]])
		end = q[1]
	}
	b.WriteString(what.ReplaceAllString(s[end:], with))
	return b.String()
}
