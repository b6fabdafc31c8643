package storage

import (
	"strconv"
	"strings"

	"mixduck/internal/promotion"
)

// value returns the SQL of a promoted property's value, given that of the property as JSON. It never fails, whatever the
// property holds. A text that names no time zone is taken as UTC, since that is the zone of every connection.
func value(json string, t promotion.Type) string {
	text := "(" + json + " ->> '$')"
	switch t {
	case promotion.Varchar:
		return text
	case promotion.Timestamp: // a JSON text keeps its quotes as VARCHAR, so that only numbers become a DOUBLE
		return "TRY(make_timestamp(coalesce(epoch_us(TRY_CAST(" + text + " AS TIMESTAMPTZ)), " +
			"TRY_CAST(TRY_CAST(" + json + "::VARCHAR AS DOUBLE) * 1e6 AS BIGINT))))"
	case promotion.BigInt, promotion.Double, promotion.Boolean, promotion.Date:
	}
	return "TRY_CAST(" + text + " AS " + string(t) + ")"
}

// pointer returns the JSON pointer (RFC 6901) of a property. Unlike DuckDB's paths, it can name every one.
func pointer(property string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(property)
}

// literal returns text as an SQL string.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quoteColumn returns the name of a promoted column as an SQL identifier.
func quoteColumn(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// selectFed returns the query that reads the rows of a feed with their promoted values; its parameters are the feed's
// handle and the number of the properties.
func selectFed(promoted []Promotion) string {
	if len(promoted) == 0 {
		return "FROM mixduck_feed(?, ?)"
	}
	raw, values := make([]string, len(promoted)), make([]string, len(promoted))
	for i, p := range promoted {
		raw[i] = "p" + strconv.Itoa(i)
		values[i] = value("f."+raw[i], p.Type) + " AS " + quoteColumn(p.Property)
	}
	return "SELECT * EXCLUDE (" + strings.Join(raw, ", ") + "), " + strings.Join(values, ", ") + " FROM mixduck_feed(?, ?) AS f"
}
