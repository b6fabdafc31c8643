package eventline_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/eventline"
)

// event is an [eventline.Event] in a form that is easy to write.
type event struct {
	Name, DistinctID, InsertID, Properties string
	TimeMicros, ProcessedMS                int64
}

func parse(line string) (event, error) {
	var e eventline.Event
	if err := eventline.Parse([]byte(line), &e); err != nil {
		return event{}, err
	}
	return event{string(e.Name), string(e.DistinctID), string(e.InsertID), string(e.Properties), e.TimeMicros, e.ProcessedMS}, nil
}

func TestFields(t *testing.T) {
	t.Parallel()
	const second = int64(1_000_000)
	tests := []struct {
		name, line string
		want       event // without Properties if they are the line except for its ends
	}{
		{
			"an event as Mixpanel sends it",
			`{"event":"Signup","properties":{"time":1602611311,"distinct_id":"u1","$insert_id":"i1","mp_processing_time_ms":1602611312345,"$os":"iOS"}}`,
			event{Name: "Signup", DistinctID: "u1", InsertID: "i1", TimeMicros: 1602611311 * second, ProcessedMS: 1602611312345},
		},
		{"no ids", `{"event":"a","properties":{"time":1}}`, event{Name: "a", TimeMicros: second}},
		{"ids that are null", `{"event":"a","properties":{"time":1,"distinct_id":null,"$insert_id":null}}`, event{Name: "a", TimeMicros: second}},
		{"ids that are empty", `{"event":"a","properties":{"time":1,"distinct_id":"","$insert_id":""}}`, event{Name: "a", TimeMicros: second}},
		{
			"ids that are numbers keep their digits", `{"event":"a","properties":{"time":1,"distinct_id":12345678901234567890,"$insert_id":1.50}}`,
			event{Name: "a", DistinctID: "12345678901234567890", InsertID: "1.50", TimeMicros: second},
		},
		{
			"ids that are anything else are their text", `{"event":"a","properties":{"time":1,"distinct_id":[1, 2],"$insert_id":{"a":true}}}`,
			event{Name: "a", DistinctID: "[1, 2]", InsertID: `{"a":true}`, TimeMicros: second},
		},
		{
			"escapes are undone in columns and kept in properties", `{"event":"a\"\\\/\b\f\n\r\tb\u00e9","properties":{"time":1,"distinct_id":"\ud83d\ude00","$insert_id":"\u0000"}}`,
			event{Name: "a\"\\/\b\f\n\r\tbé", DistinctID: "😀", InsertID: "\x00", TimeMicros: second},
		},
		{
			"escapes in keys", `{"\u0065vent":"a","pr\u006fperties":{"t\u0069me":1,"\u0024insert_id":"i"}}`,
			event{Name: "a", InsertID: "i", TimeMicros: second, Properties: `{"t\u0069me":1,"\u0024insert_id":"i"}`},
		},
		{
			"the first of two properties counts", `{"event":"a","properties":{"time":1,"time":2,"distinct_id":"x","distinct_id":"y","$insert_id":null,"$insert_id":"z","mp_processing_time_ms":"?","mp_processing_time_ms":3}}`,
			event{Name: "a", DistinctID: "x", TimeMicros: second},
		},
		{
			"the first of two fields counts", `{"event":"a","event":"b","properties":{"time":1},"properties":{"time":2}}`,
			event{Name: "a", TimeMicros: second, Properties: `{"time":1}`},
		},
		{"fields in the other order", `{"properties":{"time":1},"event":"a"}`, event{Name: "a", TimeMicros: second, Properties: `{"time":1}`}},
		{"an empty name is a name", `{"event":"","properties":{"time":1}}`, event{TimeMicros: second}},
		{
			"nested values have properties of their own", `{"event":"a","properties":{"o":{"time":7,"distinct_id":"no"},"l":[{"time":8}],"time":1}}`,
			event{Name: "a", TimeMicros: second},
		},
		{
			"white space", " \t{ \"event\" :\r\"a\" , \"properties\" : { \"time\" : 1 , \"l\" : [ ] , \"o\" : { } , \"x\" : [ 1 , 2 ] } } \r",
			event{Name: "a", TimeMicros: second, Properties: `{ "time" : 1 , "l" : [ ] , "o" : { } , "x" : [ 1 , 2 ] }`},
		},
		{
			"all kinds of values", `{"event":"a","properties":{"time":1,"a":[true,false,null,-0,0.5,1e9,-1E-9,"é😀` + "\x7f" + `",{},[[]]]}}`,
			event{Name: "a", TimeMicros: second},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want.Properties == "" {
				_, rest, _ := strings.Cut(tt.line, `"properties":`)
				tt.want.Properties = strings.TrimSuffix(rest, "}")
			}
			got, err := parse(tt.line)
			if err != nil {
				t.Fatalf("Parse(%s) = %v", tt.line, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", tt.line, diff)
			}
		})
	}
}

// A field other than event and properties does not change the event.
func TestExtraFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ line, want string }{
		"none":            {`{"event":"a","properties":{"time":1}}`, ""},
		"none, but twice": {`{"event":"a","event":"b","properties":{"time":1},"properties":2}`, ""},
		"behind":          {`{"event":"a","properties":{"time":1},"schema_version":2}`, "schema_version"},
		"in front":        {`{"x":{"event":"b","properties":{"time":2}},"event":"a","properties":{"time":1}}`, "x"},
		"several":         {`{"event":"a","y":[],"properties":{"time":1},"z":null}`, "y"},
		"with escapes":    {`{"event":"a","properties":{"time":1},"\u0078":2}`, "x"},
		"in properties":   {`{"event":"a","properties":{"time":1,"x":{"y":1}}}`, ""},
		"without a name":  {`{"event":"a","properties":{"time":1},"":1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e eventline.Event
			if err := eventline.Parse([]byte(tt.line), &e); err != nil || string(e.Name) != "a" || e.TimeMicros != 1_000_000 || string(e.Extra) != tt.want {
				t.Fatalf("Parse(%s) = %+v, %v, want the extra field %q", tt.line, e, err, tt.want)
			}
			if isExtra := tt.want != "" || name == "without a name"; isExtra != (e.Extra != nil) {
				t.Errorf("Extra is nil: %t, want %t", e.Extra == nil, !isExtra)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, time string
		want       int64 // microseconds; 0 means ErrNoTime
	}{
		{"seconds", "1602611311", 1602611311_000_000},
		{"milliseconds", "1602611311123", 1602611311_123_000},
		{"the last number of seconds", "99999999999", 99999999999_000_000},
		{"the first number of milliseconds", "100000000000", 100000000_000_000},
		{"a fraction of seconds", "1602611311.25", 1602611311_250_000},
		{"microseconds", "1602611311.123456", 1602611311_123_456},
		{"a fraction of milliseconds", "1602611311123.5", 1602611311_123_500},
		{"an exponent", "1.602611311e9", 1602611311_000_000},
		{"an exponent that makes milliseconds", "1.602611311123E+12", 1602611311_123_000},
		{"the smallest", "0.000001", 1},
		{"the greatest", "999999999999999", 999999999999999_000},
		{"too small", "0.0000001", 0},
		{"too great", "1000000000000000", 0},
		{"far too great", "123456789012345678901234567890", 0},
		{"an exponent without end", "1e999999999", 0},
		{"zero", "0", 0},
		{"zero with a fraction", "0.0", 0},
		{"minus zero", "-0", 0},
		{"negative", "-1602611311", 0},
		{"a string", `"1602611311"`, 0},
		{"a date", `"2020-10-13T17:48:31Z"`, 0},
		{"null", "null", 0},
		{"true", "true", 0},
		{"an object", "{}", 0},
		{"a list", "[1602611311]", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := parse(`{"event":"a","properties":{"time":` + tt.time + `}}`)
			if tt.want == 0 && !errors.Is(err, eventline.ErrNoTime) || tt.want != 0 && (err != nil || e.TimeMicros != tt.want) {
				t.Errorf("time %s = %d, %v, want %d", tt.time, e.TimeMicros, err, tt.want)
			}
		})
	}
}

func TestProcessingTimes(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]int64{
		"1602611312345":      1602611312345,
		"1602611312345.9":    1602611312345,
		"1.602611312345e12":  1602611312345,
		"999999999999999":    999999999999999,
		"1000000000000000":   0, // does not fit into a timestamp
		"999999999999999999": 0,
		"1e300":              0,
		"-5":                 0,
		"0":                  0,
		"null":               0,
		`"1602611312345"`:    0,
	} {
		e, err := parse(`{"event":"a","properties":{"time":1,"mp_processing_time_ms":` + sent + `}}`)
		if err != nil || e.ProcessedMS != want {
			t.Errorf("mp_processing_time_ms %s = %d, %v, want %d", sent, e.ProcessedMS, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	properties := func(text string) string { return `{"event":"a","properties":{"time":1,` + text + `}}` }
	tests := []struct {
		name, line string
		want       error
	}{
		{"nothing", ``, eventline.ErrJSON},
		{"white space alone", ` `, eventline.ErrJSON},
		{"plain text", `terminated early`, eventline.ErrJSON},
		{"a list", `[]`, eventline.ErrJSON},
		{"null", `null`, eventline.ErrJSON},
		{"half a line", `{"event":"a","properties":{"time":1`, eventline.ErrJSON},
		{"a line but for its last byte", `{"event":"a","properties":{"time":1}`, eventline.ErrJSON},
		{"a second object", `{"event":"a","properties":{"time":1}}{}`, eventline.ErrJSON},
		{"a comma behind", `{"event":"a","properties":{"time":1}},`, eventline.ErrJSON},
		{"a NUL behind", `{"event":"a","properties":{"time":1}}` + "\x00", eventline.ErrJSON},
		{"a byte order mark", "\ufeff" + `{"event":"a","properties":{"time":1}}`, eventline.ErrJSON},
		{"a trailing comma in an object", properties(`"x":1,`), eventline.ErrJSON},
		{"a trailing comma in a list", properties(`"x":[1,]`), eventline.ErrJSON},
		{"two commas", properties(`"x":[1,,2]`), eventline.ErrJSON},
		{"no comma", properties(`"x":[1 2]`), eventline.ErrJSON},
		{"no colon", properties(`"x" 1`), eventline.ErrJSON},
		{"no value", properties(`"x":`), eventline.ErrJSON},
		{"a key without quotes", properties(`x:1`), eventline.ErrJSON},
		{"single quotes", properties(`'x':1`), eventline.ErrJSON},
		{"a list that ends as an object", properties(`"x":[1}`), eventline.ErrJSON},
		{"NaN", properties(`"x":NaN`), eventline.ErrJSON},
		{"Infinity", properties(`"x":-Infinity`), eventline.ErrJSON},
		{"a leading zero", properties(`"x":01`), eventline.ErrJSON},
		{"a leading plus", properties(`"x":+1`), eventline.ErrJSON},
		{"a minus alone", properties(`"x":-`), eventline.ErrJSON},
		{"a point at the end", properties(`"x":1.`), eventline.ErrJSON},
		{"a point at the beginning", properties(`"x":.5`), eventline.ErrJSON},
		{"an exponent without digits", properties(`"x":1e+`), eventline.ErrJSON},
		{"a hexadecimal number", properties(`"x":0x1`), eventline.ErrJSON},
		{"a long word", properties(`"x":nullx`), eventline.ErrJSON},
		{"a short word", properties(`"x":tru`), eventline.ErrJSON},
		{"a word in capitals", properties(`"x":True`), eventline.ErrJSON},
		{"an unknown escape", properties(`"x":"\x41"`), eventline.ErrJSON},
		{"a short escape", properties(`"x":"\u12"`), eventline.ErrJSON},
		{"an escape at the end", `{"event":"a\`, eventline.ErrJSON},
		{"an escape that is no number", properties(`"x":"\u12g4"`), eventline.ErrJSON},
		{"a string that does not end", `{"event":"a`, eventline.ErrJSON},
		{"a tab in a string", properties("\"x\":\"a\tb\""), eventline.ErrJSON},
		{"a newline in a string", properties("\"x\":\"12345678901\nb\""), eventline.ErrJSON},
		{"a NUL in a key", properties("\"x\x00\":1"), eventline.ErrJSON},

		{"a byte that is not UTF-8", properties("\"x\":\"a\xff\""), eventline.ErrUTF8},
		{"half a character", properties("\"x\":\"\xc3\""), eventline.ErrUTF8},
		{"an overlong character", properties("\"x\":\"\xc0\x80\""), eventline.ErrUTF8},
		{"a surrogate in UTF-8", properties("\"x\":\"\xed\xa0\x80\""), eventline.ErrUTF8},
		{"a key that is not UTF-8", properties("\"\x80\":1"), eventline.ErrUTF8},
		{"bytes that are not UTF-8 outside of strings", "{\"event\":\xff}", eventline.ErrJSON},

		{"the first half of a pair alone", properties(`"x":"\ud83d"`), eventline.ErrSurrogate},
		{"the first half before a character", properties(`"x":"\ud83dx\ude00"`), eventline.ErrSurrogate},
		{"the first half before an escape", properties(`"x":"\ud83d\n"`), eventline.ErrSurrogate},
		{"the first half twice", properties(`"x":"\ud83d\ud83d\ude00"`), eventline.ErrSurrogate},
		{"the second half alone", properties(`"x":"\uDE00"`), eventline.ErrSurrogate},
		{"the halves in the other order", properties(`"x":"\ude00\ud83d"`), eventline.ErrSurrogate},
		{"half a pair in a key", properties(`"\ud83d":1`), eventline.ErrSurrogate},
		{"half a pair and a broken escape", properties(`"x":"\ud83d\u12"`), eventline.ErrJSON},

		{"an empty object", `{}`, eventline.ErrNoEvent},
		{"no event", `{"properties":{"time":1}}`, eventline.ErrNoEvent},
		{"an event that is null", `{"event":null,"properties":{"time":1}}`, eventline.ErrNoEvent},
		{"an event that is a number", `{"event":1,"properties":{"time":1}}`, eventline.ErrNoEvent},
		{"an event whose first name is none", `{"event":null,"event":"a","properties":{"time":1}}`, eventline.ErrNoEvent},
		{"an event in capitals", `{"Event":"a","properties":{"time":1}}`, eventline.ErrNoEvent},
		{"no properties", `{"event":"a"}`, eventline.ErrNoProps},
		{"properties that are null", `{"event":"a","properties":null}`, eventline.ErrNoProps},
		{"properties that are a list", `{"event":"a","properties":[{"time":1}]}`, eventline.ErrNoProps},
		{"properties that come too late", `{"event":"a","properties":null,"properties":{"time":1}}`, eventline.ErrNoProps},
		{"no time", `{"event":"a","properties":{}}`, eventline.ErrNoTime},
		{"a time beside the properties", `{"event":"a","properties":{},"time":1}`, eventline.ErrNoTime},
		{"an error of Mixpanel", `{"error":"Timeout"}`, eventline.ErrNoEvent},

		{"one more field, that is no JSON", `{"extra":x,"event":"a","properties":{"time":1}}`, eventline.ErrJSON},
		{"one more field, and no time", `{"extra":1,"event":"a","properties":{}}`, eventline.ErrNoTime},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parse(tt.line); err != tt.want { //nolint:errorlint // the contract is that it comes as it is
				t.Errorf("Parse(%q) = %v, want %v", tt.line, err, tt.want)
			}
		})
	}
}

// The end of a run of plain bytes must be found at each of the eight positions that are checked together.
func TestStringsOfAllLengths(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		text := strings.Repeat("x", n)
		for sent, want := range map[string]string{"": text, `\n`: text + "\n", "é": text + "é", "\x7f": text + "\x7f", "!": text + "!"} {
			e, err := parse(`{"event":"` + text + sent + `","properties":{"time":1}}`)
			if err != nil || e.Name != want {
				t.Errorf("name %q = %q, %v", text+sent, e.Name, err)
			}
		}
		for sent, want := range map[string]error{"\x1f": eventline.ErrJSON, "\x00": eventline.ErrJSON, "\x80": eventline.ErrUTF8, `\ud800`: eventline.ErrSurrogate} {
			if _, err := parse(`{"event":"` + text + sent + `","properties":{"time":1}}`); !errors.Is(err, want) {
				t.Errorf("name %q: %v, want %v", text+sent, err, want)
			}
		}
	}
}

// A previously parsed event leaves nothing behind.
func TestParseBeginsAnew(t *testing.T) {
	t.Parallel()
	var e eventline.Event
	for _, line := range []string{
		`{"event":"a","properties":{"time":1,"distinct_id":"u","$insert_id":"i","mp_processing_time_ms":5}}`,
		`{"event":"b","properties":{"time":2}}`,
	} {
		if err := eventline.Parse([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
	}
	if string(e.Name) != "b" || e.DistinctID != nil || e.InsertID != nil || e.ProcessedMS != 0 {
		t.Errorf("second event = %+v", e)
	}
}
