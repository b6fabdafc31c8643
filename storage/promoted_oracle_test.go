package storage_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/storage"
)

// The content of columns according to docs/promoted.md, computed independently of the code: with regular expressions,
// exact fractions and package time.

var (
	numberText = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	timeText   = regexp.MustCompile(`^([0-9]{4,6})([-/])([0-9]{1,2})([-/])([0-9]{1,2})` +
		`(?:(?:[Tt]| +)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(?: *([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)| +([A-Z][A-Za-z0-9_+/-]*))?)?$`)
)

// oracle returns the value of a column of the given type, nil for NULL: an int64, float64, bool or string. A TIMESTAMP is
// in microseconds and a DATE in days since 1970.
func oracle(raw json.RawMessage, kind string) any {
	if len(raw) == 0 || raw[0] == 'n' {
		return nil
	}
	isText, text := raw[0] == '"', string(raw)
	if isText {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	if kind == "VARCHAR" {
		return text
	}
	if raw[0] == '{' || raw[0] == '[' {
		return nil
	}
	text = strings.Trim(text, " \t\n\r\v\f")
	var number *big.Rat
	if numberText.MatchString(text) {
		number, _ = new(big.Rat).SetString(strings.TrimPrefix(text, "+"))
	}
	switch {
	case kind == "TIMESTAMP" && !isText:
		return oracleEpoch(number)
	case kind == "TIMESTAMP", kind == "DATE" && isText:
		return oracleTime(text, kind)
	case kind == "BOOLEAN" && regexp.MustCompile(`^(?i:true|t|yes|y|false|f|no|n)$`).MatchString(text):
		return strings.ContainsAny(text[:1], "tTyY")
	case number == nil:
		return nil
	case kind == "BOOLEAN" && (number.Sign() == 0 || number.Cmp(big.NewRat(1, 1)) == 0):
		return number.Sign() != 0
	case kind == "BIGINT" && number.IsInt() && number.Num().IsInt64():
		return number.Num().Int64()
	case kind == "DOUBLE":
		if f, _ := number.Float64(); !math.IsInf(f, 0) {
			return f
		}
	}
	return nil
}

func oracleEpoch(number *big.Rat) any {
	if number == nil {
		return nil
	}
	size, scale := new(big.Rat).Abs(number), int64(1e6)
	if size.Cmp(big.NewRat(1e14, 1)) >= 0 {
		return nil
	}
	if size.Cmp(big.NewRat(1e11, 1)) >= 0 {
		scale = 1e3
	}
	rounded, _ := strconv.ParseInt(new(big.Rat).Mul(number, big.NewRat(scale, 1)).FloatString(0), 10, 64) // half away from zero
	return rounded
}

func oracleTime(text, kind string) any {
	m := timeText.FindStringSubmatch(text)
	if len(m) == 0 || m[2] != m[4] {
		return nil
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	date := time.Date(n(1), time.Month(n(3)), n(5), 0, 0, 0, 0, time.UTC)
	hour, minute, second := n(6), n(7), n(8)
	micros, _ := strconv.ParseInt((m[9] + "000000")[:6], 10, 64)
	late := hour > 23 && (hour > 24 || minute+second+int(micros) > 0)
	if n(1) == 0 || date.Year() != n(1) || date.Day() != n(5) || int(date.Month()) != n(3) || late || minute > 59 || second > 59 {
		return nil
	}
	wall := date.Unix() + int64(hour*3600+minute*60+second)
	switch offset, name := m[10], m[11]; {
	case name != "":
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil
		}
		wall = oracleZone(wall, zone)
	case strings.ContainsAny(offset, "+-"):
		digits := strings.ReplaceAll(offset[1:], ":", "") + "00"
		h, _ := strconv.Atoi(digits[:2])
		mins, _ := strconv.Atoi(digits[2:4])
		if h > 15 || mins > 59 {
			return nil
		}
		sign := int64(1)
		if offset[0] == '+' {
			sign = -1
		}
		wall += sign * int64(h*3600+mins*60)
	}
	if kind == "DATE" {
		return int64(math.Floor(float64(date.Unix()) / 86400))
	}
	at := new(big.Int).Add(new(big.Int).Mul(big.NewInt(wall), big.NewInt(1e6)), big.NewInt(micros))
	if !at.IsInt64() || at.Int64() == math.MaxInt64 {
		return nil
	}
	return at.Int64()
}

// oracleZone looks for the latest time at which the zone's clocks show wall.
func oracleZone(wall int64, zone *time.Location) int64 {
	shows := func(unix int64) int64 {
		_, offset := time.Unix(unix, 0).In(zone).Zone()
		return unix + int64(offset)
	}
	for unix := wall + 15*3600; unix >= wall-15*3600; unix-- {
		if shows(unix) == wall {
			return unix
		}
	}
	before := wall - 86400 // skipped in spring
	return wall - (shows(before) - before)
}

// firstValue returns the first value of a key in a JSON object, exactly as written.
func firstValue(tb testing.TB, object, key string) json.RawMessage {
	tb.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(object)))
	if _, err := dec.Token(); err != nil {
		tb.Fatal(err)
	}
	for dec.More() {
		var name string
		var value json.RawMessage
		token, err := dec.Token()
		if err == nil {
			name, _ = token.(string)
			err = dec.Decode(&value)
		}
		if err != nil {
			tb.Fatal(err)
		}
		if name == key {
			return value
		}
	}
	return nil
}

// checkColumns compares the promoted columns of table events with the JSON of the same rows.
func checkColumns(tb testing.TB, path string, all []storage.Promotion) {
	tb.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	columns := []string{"properties::VARCHAR"}
	for _, p := range all {
		column := `"` + strings.ReplaceAll(p.Property, `"`, `""`) + `"`
		switch string(p.Type) {
		case "TIMESTAMP":
			column = "epoch_us(" + column + ")"
		case "DATE":
			column = "(" + column + " - DATE '1970-01-01')::BIGINT"
		case "VARCHAR": // with DuckDB's reading of the JSON
			column = "[" + column + ", properties ->> '/" + strings.NewReplacer("'", "''", "~", "~0", "/", "~1").Replace(p.Property) + "']"
		}
		columns = append(columns, column)
	}
	rows, err := db.QueryContext(tb.Context(), "SELECT "+strings.Join(columns, ", ")+" FROM events")
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			tb.Fatal(err)
		}
		for i, p := range all {
			raw := firstValue(tb, fmt.Sprint(values[0]), p.Property)
			if wanted, got := oracle(raw, string(p.Type)), values[i+1]; !sameValue(got, wanted) {
				tb.Fatalf("%s of %s is %v, want %v", p, raw, got, wanted)
			}
		}
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
}

// sameValue compares a column with the oracle's value. A VARCHAR comes with the result of DuckDB's ->>: both are
// equal, and equivalent to the JSON, in which numbers and nested values can be written in several ways.
func sameValue(got, wanted any) bool {
	pair, ok := got.([]any)
	if !ok || len(pair) != 2 {
		return got == wanted
	}
	stored, isText := pair[0].(string)
	text, wantText := wanted.(string)
	if !isText || !wantText || stored == text {
		return pair[0] == wanted && pair[1] == wanted
	}
	whole := regexp.MustCompile(`^-?[1-9][0-9]*$`).MatchString(text)
	return pair[0] == pair[1] && !whole && reflect.DeepEqual(asFloats(stored), asFloats(text))
}

// asFloats decodes a JSON text with numbers that may be out of range for Go.
func asFloats(text string) any {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err
	}
	var floats func(v any) any
	floats = func(v any) any {
		switch v := v.(type) {
		case json.Number:
			f, _ := strconv.ParseFloat(string(v), 64)
			return f
		case map[string]any:
			for key := range v {
				v[key] = floats(v[key])
			}
		case []any:
			for i := range v {
				v[i] = floats(v[i])
			}
		}
		return v
	}
	return floats(v)
}
