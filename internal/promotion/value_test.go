package promotion_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/promotion"
)

// Numbers can have any number of digits, and any exponent.
func TestExtremeNumbers(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 400)
	for _, tt := range []struct {
		value string
		whole any // result of ParseBigInt, nil for none
		float any
	}{
		{"0e999999999999", int64(0), 0.0},
		{"-0.0", int64(0), 0.0},
		{"1e999999999999", nil, nil},
		{"1e-999999999999", nil, 0.0},
		{"1" + zeros + "e-400", int64(1), 1.0},
		{"1" + zeros + ".5e-400", nil, 1.0},
		{"0." + zeros + "1e401", int64(1), 1.0},
		{"9223372036854775807", int64(math.MaxInt64), 0x1p63},
		{"-9223372036854775808", int64(math.MinInt64), -0x1p63},
		{"9223372036854775808", nil, 0x1p63},
		{"-9223372036854775809", nil, -0x1p63},
		{"18446744073709551616", nil, 0x1p64},
		{"99999999999999999999", nil, 1e20},
		{"92233720368547758070e-1", int64(math.MaxInt64), 0x1p63},
		{`"."`, nil, nil},
		{`"+"`, nil, nil},
		{`"1e"`, nil, nil},
		{`"--1"`, nil, nil},
		{`"1 2"`, nil, nil},
		{`"12abc"`, nil, nil},
		{`"0x1p-2"`, nil, nil},
		{`"١"`, nil, nil}, // a digit, but not ASCII
		{"{}", nil, nil},
		{"", nil, nil},
	} {
		if n, ok := promotion.ParseBigInt([]byte(tt.value)); ok != (tt.whole != nil) || ok && any(n) != tt.whole {
			t.Errorf("ParseBigInt(%.50s) = %d, %t, want %v", tt.value, n, ok, tt.whole)
		}
		if f, ok := promotion.ParseDouble([]byte(tt.value)); ok != (tt.float != nil) || ok && any(f) != tt.float || math.Signbit(f) && f == 0 {
			t.Errorf("ParseDouble(%.50s) = %v, %t, want %v", tt.value, f, ok, tt.float)
		}
	}
}

// FuzzValues compares the results for different types with each other, and with package strconv.
func FuzzValues(f *testing.F) {
	for _, value := range []string{
		`12`, `-0.5e3`, `"2026-11-01 10:00:00 Europe/Berlin"`, `"2026-11-01T10:00:00.5+05:30"`, `"2026/1/2"`, `"yes"`, `" 7\t"`, `null`, `[]`, `1e309`,
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if !json.Valid(value) || len(value) == 0 || strings.ContainsAny(string(value[:1])+string(value[len(value)-1:]), " \t\r\n") {
			return
		}
		zones := promotion.Zones{}
		n, isWhole := promotion.ParseBigInt(value)
		double, isNumber := promotion.ParseDouble(value)
		if isWhole && (!isNumber || float64(n) != double) {
			t.Errorf("%s is %d, but as a DOUBLE %v, %t", value, n, double, isNumber)
		}
		text := string(value)
		if value[0] == '"' {
			if err := json.Unmarshal(value, &text); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := strconv.ParseInt(text, 10, 64); err == nil && (!isWhole || n != want) {
			t.Errorf("ParseBigInt(%s) = %d, %t, want %d", value, n, isWhole, want)
		}
		days, isDate := zones.ParseDate(value)
		micros, isTime := zones.ParseTimestamp(value)
		if value[0] != '"' && isDate || value[0] == '"' && isTime && !isDate {
			t.Errorf("%s is a date: %t, a time: %t", value, isDate, isTime)
		}
		if perDay := int64(86_400e6); isDate && isTime && (micros/perDay < int64(days)-2 || micros/perDay > int64(days)+2) {
			t.Errorf("%s is the date %d and the time %d", value, days, micros)
		}
	})
}

// FuzzParse compares Parse with Check and String.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "plan", "$city:VARCHAR,amount:double", `"a,b":DATE, "x""y"`, `utm:source:BIGINT`, `"`, ",", "a:b", "day"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := promotion.Parse(text)
		if err != nil {
			if all != nil {
				t.Errorf("Parse(%q) = %v beside %v", text, all, err)
			}
			return
		}
		if err := promotion.Check(all); err != nil {
			t.Errorf("Parse(%q) = %v, which is refused: %v", text, all, err)
		}
		texts := make([]string, len(all))
		for i, p := range all {
			texts[i] = p.String()
		}
		again, err := promotion.Parse(strings.Join(texts, ","))
		if err != nil || len(again) != len(all) {
			t.Fatalf("Parse(%q) = %v, %v, want %v", texts, again, err, all)
		}
		for i := range all {
			if again[i] != all[i] {
				t.Errorf("%s was %+v and is %+v", texts[i], all[i], again[i])
			}
		}
	})
}
