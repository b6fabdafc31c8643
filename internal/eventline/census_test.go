package eventline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mixduck/internal/eventline"
)

// tallies returns what a census has counted: "day event property kind" or "day event", and rows.
func tallies(c *eventline.Census) map[string]int64 {
	all := map[string]int64{}
	for t := range c.All() {
		if t.IsEvent {
			all[fmt.Sprint(t.Day, t.Event)] += t.Rows
		} else {
			all[fmt.Sprintf("%d %s %q %s", t.Day, t.Event, t.Property, t.Kind)] += t.Rows
		}
	}
	return all
}

// kind returns the kind of a JSON value, in the simplest way.
func kind(raw json.RawMessage) string {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return err.Error()
	}
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case json.Number:
		n, whole := new(big.Int).SetString(v.String(), 10)
		switch {
		case whole && n.IsInt64():
			return "integer"
		case whole && len(strings.TrimPrefix(v.String(), "-")) <= 38:
			return "large integer"
		}
		return "number"
	default:
		return "object"
	}
}

// However lines are written, a census counts the first of equal keys, and finds the same event as Parse.
func TestCensusCountsEveryProperty(t *testing.T) {
	t.Parallel()
	names := []string{
		"a", "A", "ab", "a.b", "a b", "", "$os", "time", "distinct_id", "$insert_id", "mp_processing_time_ms", "select", "é", "😀", `q"uote`, "line\nbreak",
		strings.Repeat("long", 1024), strings.Repeat("long", 1024) + "er",
	}
	values := []string{
		"1", "1.0", "-1", "1e3", "999999999999999999", "-999999999999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "123456789012345678901", strings.Repeat("9", 38), "-" + strings.Repeat("9", 38), strings.Repeat("9", 39), `"text"`, `""`,
		`"\u00e9"`, "true", "false", "null", "[]", `[1,{"a":2}]`, "{}", `{"b":{"a":1}}`, "-0",
	}
	keys := eventline.NewKeys([]string{"a", "$os", "time", "é"})
	rapid.Check(t, func(t *rapid.T) {
		c := eventline.NewCensus(keys, 3)
		want := map[string]int64{}
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			var parts []string
			for range rapid.IntRange(0, 8).Draw(t, "properties") {
				key, _ := json.Marshal(rapid.SampledFrom(names).Draw(t, "key"))
				if rapid.Bool().Draw(t, "escaped") {
					key = bytes.ReplaceAll(key, []byte("a"), []byte(`\u0061`))
				}
				space := rapid.SampledFrom([]string{"", "", " ", "\t"}).Draw(t, "space")
				parts = append(parts, space+string(key)+space+":"+space+rapid.SampledFrom(values).Draw(t, "value")+space)
			}
			name := rapid.SampledFrom([]string{"one", "two", ""}).Draw(t, "event")
			event, properties := fmt.Sprintf(`"event":%q`, name), `"properties":{`+strings.Join(parts, ",")+"}"
			line := "{" + event + "," + properties + "}"
			if rapid.Bool().Draw(t, "reversed") {
				line = "{" + properties + "," + event + "}"
			}
			var plain, counted eventline.Event
			err := keys.Parse([]byte(line), &plain)
			if got := c.Parse([]byte(line), &counted); got != err { //nolint:errorlint // they are not wrapped
				t.Fatalf("Parse(%s) = %v, want %v", line, got, err)
			}
			if err != nil {
				continue
			}
			if diff := cmp.Diff(plain, counted); diff != "" {
				t.Fatalf("Parse(%s) (-want +got):\n%s", line, diff)
			}
			day := rapid.IntRange(-1, 2).Draw(t, "day")
			if day < 0 {
				continue // a duplicate
			}
			c.Add(day)
			want[fmt.Sprint(day, name)]++
			for key, value := range fields(counted.Properties) {
				want[fmt.Sprintf("%d %s %q %s", day, name, key, kind(value))]++
			}
		}
		if diff := cmp.Diff(want, tallies(c)); diff != "" {
			t.Fatalf("tallies (-want +got):\n%s", diff)
		}
	})
}

// A census that has no room for more keys says so, and still parses.
func TestCensusIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		line func(i int) string
		full bool
	}{
		{"few keys", func(i int) string { return fmt.Sprintf(`{"event":"e","properties":{"time":1,"k%d":1,"p":2}}`, i%9000) }, false},
		{"many keys", func(i int) string { return fmt.Sprintf(`{"event":"e","properties":{"time":1,"k%d":1,"p":2}}`, i) }, true},
		{"many events", func(i int) string { return fmt.Sprintf(`{"event":"e%d","properties":{"time":1,"p":2}}`, i) }, true},
		{"a key too long", func(int) string {
			return `{"event":"e","properties":{"time":1,"` + strings.Repeat("x", eventline.MaxNameBytes+1) + `":1,"p":2}}`
		}, true},
		{"a long key", func(int) string {
			return `{"event":"e","properties":{"time":1,"` + strings.Repeat("x", eventline.MaxNameBytes) + `":1,"p":2}}`
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := eventline.NewCensus(eventline.NewKeys([]string{"p"}), 1)
			var e eventline.Event
			for i := range 12_000 {
				if err := c.Parse([]byte(tt.line(i)), &e); err != nil || e.TimeMicros != 1e6 || string(e.Values[0]) != "2" {
					t.Fatalf("line %d: %v, %d, %s", i, err, e.TimeMicros, e.Values)
				}
				c.Add(0)
			}
			if c.Full() != tt.full {
				t.Errorf("Full = %t, want %t", c.Full(), tt.full)
			}
		})
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"short"`: "short", `1.50`: "1.50", `{"a": 1}`: `{"a": 1}`, `"\u00e9\n"`: "é\n", `null`: "null",
		`"` + strings.Repeat("a", 40) + `"`: strings.Repeat("a", 40), `"` + strings.Repeat("a", 41) + `"`: strings.Repeat("a", 37) + "…",
		`"a` + strings.Repeat("é", 30) + `"`: "a" + strings.Repeat("é", 18) + "…",
	} {
		if got := eventline.Shorten([]byte(raw)); got != want {
			t.Errorf("Shorten(%s) = %q, want %q", raw, got, want)
		}
	}
}

func BenchmarkCensus(b *testing.B) {
	lines := generated(b, 1000)
	b.ReportAllocs()
	c := eventline.NewCensus(nil, 1)
	var e eventline.Event
	for i := 0; b.Loop(); i++ {
		if err := c.Parse(lines[i%len(lines)], &e); err != nil {
			b.Fatal(err)
		}
		c.Add(0)
	}
}
