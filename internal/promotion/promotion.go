// Package promotion defines promoted properties of events: those stored in separate columns, in addition to the JSON
// with all properties. It knows neither files nor SQL.
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

// Max is the maximum number of promoted properties per table.
const Max = 64

// Type is the type of a promoted column, as named by DuckDB.
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

// Promotion is a property with the type of its column. The column has the property's exact name.
type Promotion struct {
	Property string
	Type     Type
}

// hint explains the form of [Parse].
const hint = `use a list like plan,$city:VARCHAR,"a,b":DOUBLE; the types are VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP and DATE`

// taken are names that a promoted column cannot have, because tables of events have columns with these names.
var taken = []string{
	"event_name", "event_time", "distinct_id", "insert_id", "properties", "day", "processed_at", "rowid",
}

// Check returns everything that keeps all from being the promoted properties of a table, as one error with code
// [fault.CodeUsage], or nil. Names are compared like DuckDB's column names: A equals a, but É differs from é.
func Check(all []Promotion) error { return usage(problems(all, Varchar)) }

// usage joins several errors.
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
			found = append(found, fmt.Errorf("%s: the column name %s is reserved", p.Property, column))
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

// Column returns a value that is equal for names that DuckDB treats as the same column. It only considers ASCII
// letters.
func Column(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
}
