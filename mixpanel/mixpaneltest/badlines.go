package mixpaneltest

import "strings"

const (
	nestedDeep    = 200
	hotShardEvent = "$hotshard_events" // from Mixpanel's documentation of hot shards
)

// badLines returns lines that a correct copy must quarantine, without newlines.
func badLines(kind Kind) [][]byte {
	switch kind {
	case NotJSON:
		return list(
			`this is no JSON`,
			`{"event":"Half a line","properties":{"time":1700000000,"distinct_id":"us`,
			`{"event":"Trailing comma","properties":{"time":1700000000,}}`,
			`{"event":"No value","properties":{"time":}}`,
			"Bytes that are no text: \x00\x01\xff",
		)
	case NotEvents:
		return list(
			`[{"event":"In an array","properties":{"time":1700000000}}]`,
			`42`,
			`null`,
			`"a text"`,
			`{}`,
			`{"event":"No properties"}`,
			`{"event":"Properties of another kind","properties":[1,2]}`,
			`{"event":"Null properties","properties":null}`,
			`{"properties":{"time":1700000000,"distinct_id":"no event"}}`,
			`{"event":7,"properties":{"time":1700000000}}`,
			`{"event":null,"properties":{"time":1700000000}}`,
			`{"event":"No time","properties":{"distinct_id":"x","$insert_id":"y"}}`,
			`{"event":"Time is a text","properties":{"time":"1700000000"}}`,
			`{"event":"Time is null","properties":{"time":null}}`,
			`{"event":"Time is zero","properties":{"time":0}}`,
			`{"event":"Time is negative","properties":{"time":-1700000000}}`,
			`{"event":"Time at the wrong place","time":1700000000,"properties":{"nested":{"time":1700000000}}}`,
		)
	case InvalidUTF8:
		return list(
			"{\"event\":\"Latin-1\",\"properties\":{\"time\":1700000000,\"city\":\"Z\xfcrich\"}}",
			"{\"event\":\"Cut \xe6\x9d\",\"properties\":{\"time\":1700000000}}",
			"{\"event\":\"Surrogate in UTF-8\",\"properties\":{\"time\":1700000000,\"x\":\"\xed\xa0\x80\"}}",
		)
	case LoneSurrogates:
		return list(
			`{"event":"High","properties":{"time":1700000000,"x":"\ud800"}}`,
			`{"event":"Low","properties":{"time":1700000000,"x":"\udc00 \\\\"}}`,
			`{"event":"High before another","properties":{"time":1700000000,"x":"\uD83D\uD83D\ude00"}}`,
			`{"event":"In a key","properties":{"time":1700000000,"\udfff":1}}`,
		)
	case DeeplyNested:
		return list(
			`{"event":"Nested arrays","properties":{"time":1700000000,"x":`+
				strings.Repeat("[", nestedDeep)+strings.Repeat("]", nestedDeep)+`}}`,
			`{"event":"Nested objects","properties":{"time":1700000000,"x":`+
				strings.Repeat(`{"y":`, nestedDeep)+`1`+strings.Repeat("}", nestedDeep)+`}}`,
		)
	default:
		return nil
	}
}

func list(lines ...string) [][]byte {
	out := make([][]byte, len(lines))
	for i, line := range lines {
		out[i] = []byte(line)
	}
	return out
}
