package storage

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"mixduck/internal/promotion"
)

// value returns SQL for the value of a promoted property, given SQL for its JSON. The result never fails, whatever the
// property contains. Package promotion defines the rules of all types except VARCHAR.
func value(json string, t promotion.Type) string {
	if t == promotion.Varchar {
		return "(" + json + " ->> '$')"
	}
	return "mixduck_" + strings.ToLower(string(t)) + "(" + json + "::VARCHAR)"
}

// selectStored returns SQL for each property's value in a stored row.
func selectStored(properties []Promotion) ([]string, error) {
	names := make([]string, len(properties))
	for i, p := range properties {
		names[i] = p.Property
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(properties))
	for i, p := range properties { // DuckDB computes the list once
		one := fmt.Sprintf("mixduck_properties(properties::VARCHAR, %s)[%d]::JSON", literal(string(list)), i+1)
		values[i] = value(one, p.Type)
	}
	return values, nil
}

// literal returns text as an SQL string.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quoteColumn returns the name of a promoted column as an SQL identifier.
func quoteColumn(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// selectFed returns the query that reads the rows of a feed with the values of columns. Its parameters are the handle of
// the feed and the number of columns.
func selectFed(all []column) string {
	if len(all) == 0 {
		return "FROM mixduck_feed(?, ?)"
	}
	raw, values := make([]string, len(all)), make([]string, len(all))
	for i, c := range all {
		raw[i] = "p" + strconv.Itoa(i)
		values[i] = value("f."+raw[i], c.Type) + " AS " + quoteColumn(c.name())
	}
	return "SELECT * EXCLUDE (" + strings.Join(raw, ", ") + "), " + strings.Join(values, ", ") + " FROM mixduck_feed(?, ?) AS f"
}
