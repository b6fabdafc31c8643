package query

import (
	"regexp"
	"strings"
)

// shape is the JSON form of values of a type.
type shape int

const (
	text     shape = iota // a string
	number                // bare, unless NaN or infinite
	boolean               // bare
	document              // a JSON text, unchanged
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

// asText returns the expression for a column as text.
func asText(column string) string { return "CAST(" + column + " AS VARCHAR)" }

// asJSON returns the expression for a column as JSON, except for the quotes of a string.
func asJSON(column, sqlType string) string {
	switch {
	case sqlType == "JSON[]": // to_json would reformat its numbers
		return "'[' || array_to_string(list_transform(" + column + ", lambda x: coalesce(CAST(x AS VARCHAR), 'null')), ',') || ']'"
	case shapeOf(sqlType) == nested:
		return asText("to_json(" + column + ")")
	}
	return asText(column)
}

// DuckDB silently changes these types when it writes Parquet or Arrow: HUGEINT to DOUBLE, INTERVAL to one in
// milliseconds. The rest of each pattern distinguishes a type from a field with its name.
var (
	hugeTypes   = regexp.MustCompile(`\bU?HUGEINT([,)\[]|$)`)
	oddTypes    = regexp.MustCompile(`\b(?:INTERVAL|BIT|BIGNUM|TIME WITH TIME ZONE)([,)\[]|$)`)
	quotedNames = regexp.MustCompile(`"(?:[^"]|"")*"|'(?:[^']|'')*'`)
)

// asTyped returns the expression for a column in a typed format.
func asTyped(column, sqlType string) string {
	if strings.HasPrefix(sqlType, "UNION(") {
		return asText(column)
	}
	exact := exactType(sqlType)
	if exact == sqlType {
		return column
	}
	return "CAST(" + column + " AS " + exact + ")"
}

// exactType returns the type that holds the same values in that format.
func exactType(sqlType string) string {
	var b strings.Builder
	replace := func(part string) {
		part = hugeTypes.ReplaceAllString(part, "DECIMAL(38,0)$1")
		b.WriteString(oddTypes.ReplaceAllString(part, "VARCHAR$1"))
	}
	end := 0
	for _, name := range quotedNames.FindAllStringIndex(sqlType, -1) {
		replace(sqlType[end:name[0]])
		b.WriteString(sqlType[name[0]:name[1]])
		end = name[1]
	}
	replace(sqlType[end:])
	return b.String()
}
