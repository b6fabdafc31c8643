package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// modelSchema is the schema of the typed views.
const modelSchema = "model"

// modelTable is a table with views in the model.
type modelTable struct {
	common   []string        // columns of the table that are in each view
	stored   map[string]bool // properties that fill one of them
	promoted []column
	current  string // condition of the rows
}

// definition returns the SELECT of the view. It uses only DuckDB's own functions, because any program may read it. A
// column of a type reads the text of its property from an inner SELECT, so it is extracted once, and only if the query
// needs it.
func (v *modelView) definition(t *modelTable) string {
	var inner, outer []string
	for _, c := range t.common {
		inner = append(inner, quoteAny(c))
		outer = append(outer, quoteAny(c))
	}
	for i, c := range v.columns {
		value, typed := c.source(findColumn(filled(t.promoted), c.property), fmt.Sprintf("mixduck_%d", i))
		inner = append(inner, value+fmt.Sprintf(" AS mixduck_%d", i))
		outer = append(outer, typed+" AS "+quoteAny(c.name))
	}
	condition := t.current
	if v.event.Valid {
		condition = "event_name = " + literal(v.event.String)
	}
	return "SELECT " + strings.Join(outer, ", ") + "\nFROM (SELECT " + strings.Join(inner, ", ") + " FROM main." + quoteAny(v.table) + " WHERE " + condition + ")"
}

// wideInteger is the type of integers that do not fit into a BIGINT. Unlike HUGEINT, Parquet and Arrow have it, too.
const wideInteger = "DECIMAL(38,0)"

// asInteger is the integer that a text spells.
const asInteger = `TRY_CAST(CASE WHEN regexp_full_match({x}, '-?[0-9]+([.]0+)?') THEN split_part({x}, '.', 1) END AS {type})`

// asDouble is the number that a text spells. It is NULL for integers that no double is equal to, and for numbers beyond
// the greatest double. Most numbers have few digits, and need no second look.
const asDouble = `TRY_CAST(CASE WHEN regexp_full_match({x}, '-?[0-9]{1,15}([.][0-9]+)?([eE][-+]?[0-9]{1,2})?') THEN {x}
	WHEN regexp_full_match({x}, '-?[0-9]+([.]0+)?') THEN
		CASE WHEN TRY_CAST(TRY_CAST({x} AS DOUBLE) AS HUGEINT) = TRY_CAST(split_part({x}, '.', 1) AS HUGEINT) THEN {x} END
	WHEN regexp_full_match({x}, '-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?') AND isfinite(TRY_CAST({x} AS DOUBLE)) THEN {x} END AS DOUBLE)`

// source returns SQL for the value of a property, and SQL that turns this value, named x, into the column's type.
func (c *modelColumn) source(promoted *column, x string) (value, typed string) {
	pointer := literal("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(c.property))
	switch {
	case promoted != nil && string(promoted.Type) == c.typ:
		return quoteAny(promoted.name()), x
	case c.typ == "JSON":
		return "properties -> " + pointer, x
	case promoted != nil && promoted.Type == "VARCHAR":
		value = quoteAny(promoted.name())
	default:
		value = "properties ->> " + pointer
	}
	switch c.typ {
	case "BIGINT", wideInteger:
		typed = strings.NewReplacer("{x}", x, "{type}", c.typ).Replace(asInteger)
	case "DOUBLE":
		typed = strings.ReplaceAll(asDouble, "{x}", x)
	case "BOOLEAN":
		typed = "CASE " + x + " WHEN 'true' THEN true WHEN 'false' THEN false END"
	case "TIMESTAMP", "DATE":
		typed = "TRY_CAST(" + x + " AS " + c.typ + ")"
	default:
		typed = x
	}
	return value, typed
}

// comments returns the comments of the view's columns: Lexicon's description, or the property if its name is another.
func (v *modelView) comments(descriptions map[string]string) (all [][2]string) {
	for _, c := range v.columns {
		text := descriptions[c.property]
		if text == "" && c.name != c.property {
			text = "property " + c.property
		}
		if text = strings.ReplaceAll(text, "\x00", ""); text != "" {
			all = append(all, [2]string{c.name, text})
		}
	}
	return all
}

// modelStatements are the statements that create a view.
type modelStatements []string

// statements returns what creates the view, and the comment that marks this version of it.
func (v *modelView) statements(t *modelTable, descriptions map[string]string) (all modelStatements, mark string) {
	name := modelSchema + "." + quoteAny(v.name)
	all = append(all, "CREATE OR REPLACE VIEW "+name+" AS "+v.definition(t))
	for _, c := range v.comments(descriptions) {
		all = append(all, "COMMENT ON COLUMN "+name+"."+quoteAny(c[0])+" IS "+text(c[1]))
	}
	mark = fmt.Sprintf("%s%016x", compatMark, xxh3.HashString(strings.Join(all, "\n")))
	return append(all, "COMMENT ON VIEW "+name+" IS "+text(mark)), mark
}

// isCommon returns the columns of a table that are in its views: not those of promoted properties, and not those that
// manage versions.
func (t *modelTable) isCommon(name string) bool {
	of := func(c column) bool { return c.name() == name }
	return !slices.ContainsFunc(t.promoted, of) && !slices.Contains([]string{contentHash, "valid_from", "valid_to"}, name)
}
