package mixpaneltest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
)

// Lines of the generator, and odd ones, are read as encoding/json reads them.
func TestEventsAreReadAsJSON(t *testing.T) {
	t.Parallel()
	lines := []string{
		` { "properties" : { "time" : 1 , "x":"\u00e4\"}" , "y":[1,{"z":"]"}],"time": 2 } , "event" : "a\"\u00e4\/" } ` + "\n",
		`{"event":"x","properties":{"time":1},"properties":{"time":2},"event":"y"}`,
		`{"event":"x","properties":{"time":1,"\u0074ime":3,"":{},"a":-1.5e3,"b":null}}`,
		"\t{\"event\":\"\",\r\n\"properties\":{\"time\":1e9,\"e\" :[ ]}}",
	}
	for line, err := range (Generator{Seed: 5, EventsPerDay: 200}).Lines(day.Day(20_000), Format{}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	for _, line := range lines {
		got, err := parseEvent([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var object map[string]json.RawMessage
		var name string
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &object) != nil || json.Unmarshal(object["event"], &name) != nil || json.Unmarshal(object["properties"], &fields) != nil {
			t.Fatalf("encoding/json does not read %s", line)
		}
		if got.name != name || string(got.properties) != string(object["properties"]) {
			t.Errorf("%s: event %q, properties %s", line, got.name, got.properties)
		}
		if diff := cmp.Diff(fields, got.fields); diff != "" {
			t.Errorf("%s (-encoding/json +parseEvent):\n%s", line, diff)
		}
	}
}
