// Package promotion says which properties of events are promoted: kept in columns of their own, beside the JSON that
// holds them all. It knows neither files nor SQL.
package promotion

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mixduck/internal/fault"
)

// Max is how many properties of a table can be promoted.
const Max = 64

// Type is the type of a promoted column, in the words of DuckDB.
type Type string

// The types.
const (
	Varchar   Type = "VARCHAR"
	BigInt    Type = "BIGINT"
	Double    Type = "DOUBLE"
	Boolean   Type = "BOOLEAN"
	Timestamp Type = "TIMESTAMP" // UTC
	Date      Type = "DATE"
)

var types = []Type{Varchar, BigInt, Double, Boolean, Timestamp, Date}

// Promotion is one property, and the type of its column, which is named exactly as the property.
type Promotion struct {
	Property string
	Type     Type
}

// hint shows what [Parse] reads.
const hint = `use a list like plan,$city:VARCHAR,"a,b":DOUBLE; the types are VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP and DATE`

// taken are the names that a promoted column cannot have: those of the columns that every table has.
var taken = []string{
	"event_name", "event_time", "distinct_id", "insert_id", "properties", "day", "processed_at", "rowid",
}

// Check returns all that keeps the properties from being the promoted ones of one table, as one error with code
// [fault.CodeUsage], or nil. Names are compared as DuckDB compares those of columns: A is a, but É is not é.
func Check(all []Promotion) error { return usage(problems(all, Varchar)) }

// usage makes one error of several.
func usage(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return fault.Usage(hint, "%w", errors.Join(problems...))
}

func problems(all []Promotion, untyped Type) (found []error) {
	if len(all) > Max {
		found = append(found, fmt.Errorf("too many promoted properties: %d; the maximum is %d", len(all), Max))
	}
	columns := map[string]Promotion{}
	for _, p := range all {
		column := Column(p.Property)
		other, twice := columns[column]
		columns[column] = p
		switch {
		case p.Property == "":
			found = append(found, errors.New("a property has no name"))
		case !utf8.ValidString(p.Property) || strings.ContainsFunc(p.Property, unicode.IsControl):
			found = append(found, fmt.Errorf("%q is not a valid column name", p.Property))
		case slices.Contains(taken, column):
			found = append(found, fmt.Errorf("%s: every table already has a column %s", p.Property, column))
		case twice && other.Property == p.Property:
			found = append(found, fmt.Errorf("%s is listed twice", p.Property))
		case twice:
			found = append(found, fmt.Errorf("%s and %s would be the same column: DuckDB ignores case", other.Property, p.Property))
		}
		if !slices.Contains(types, p.Type) && p.Type != untyped {
			found = append(found, fmt.Errorf("%s: unknown type %q", p.Property, p.Type))
		}
	}
	return found
}

// Column returns what is equal for names that DuckDB takes for the same column. It looks at ASCII letters only.
func Column(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
}
