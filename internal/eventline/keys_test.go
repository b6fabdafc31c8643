package eventline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/eventline"
)

// texts returns the values of e, "" for missing ones.
func texts(e *eventline.Event) []string {
	all := make([]string, len(e.Values))
	for i, v := range e.Values {
		all[i] = string(v)
	}
	return all
}

func TestValuesOfKeys(t *testing.T) {
	t.Parallel()
	keys := eventline.NewKeys([]string{"plan", "a", "time", "$insert_id", "größe", "nested", "never"})
	for _, tt := range []struct {
		name, properties string
		want             []string // "" for missing ones
	}{
		{"none", ``, []string{"", "", "1", "", "", "", ""}},
		{"exactly as written", `,"plan":"a\u0062","a": 1.50 ,"nested":{ "k" : [1, null] }`, []string{`"a\u0062"`, "1.50", "1", "", "", `{ "k" : [1, null] }`, ""}},
		{"null is a value", `,"a":null`, []string{"", "null", "1", "", "", "", ""}},
		{"the first counts", `,"a":1,"a":2,"time":3`, []string{"", "1", "1", "", "", "", ""}},
		{"keys with escapes", `,"gr\u00f6\u00dfe":true,"\u0061":2`, []string{"", "2", "1", "", "true", "", ""}},
		{"those that are columns, too", `,"$insert_id":"i"`, []string{"", "", "1", `"i"`, "", "", ""}},
		{"not those inside of others", `,"x":{"plan":1},"":2`, []string{"", "", "1", "", "", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := eventline.Event{Values: [][]byte{[]byte("old")}}
			for range 2 { // the second time in reused memory
				if err := keys.Parse([]byte(`{"event":"e","properties":{"time":1`+tt.properties+`}}`), &e); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, texts(&e)); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			}
			if e.Values[6] != nil {
				t.Error("the value of a property that is not there is not nil")
			}
		})
	}
}

// The properties of a line have the same values in encoding/json.
func TestValuesOfGeneratedLines(t *testing.T) {
	t.Parallel()
	var names []string
	for _, line := range generated(t, 300) {
		var read struct{ Properties map[string]json.RawMessage }
		if err := json.Unmarshal(line, &read); err != nil {
			t.Fatal(err)
		}
		if names == nil {
			for name := range read.Properties {
				names = append(names, name)
			}
		}
		want := make([]string, len(names))
		for i, name := range names {
			want[i] = string(read.Properties[name])
		}
		var e eventline.Event
		if err := eventline.NewKeys(names).Parse(line, &e); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, texts(&e)); diff != "" {
			t.Errorf("values of %s (-want +got):\n%s", names, diff)
		}
	}
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	e := eventline.Event{Values: [][]byte{nil}}
	if err := eventline.NewKeys(nil).Parse([]byte(`{"event":"e","properties":{"time":1}}`), &e); err != nil || e.Values != nil {
		t.Errorf("Parse = %v, values %q, want none", err, e.Values)
	}
}

func BenchmarkParseKeys(b *testing.B) {
	lines := generated(b, 1000)
	keys := eventline.NewKeys([]string{"plan", "$city", "price", "order_ref", "is_member"})
	b.ReportAllocs()
	var e eventline.Event
	for i := 0; b.Loop(); i++ {
		if err := keys.Parse(lines[i%len(lines)], &e); err != nil {
			b.Fatal(err)
		}
	}
}
