package eventline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"mixduck/internal/eventline"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	forms := map[string]string{}
	for _, same := range [][]string{
		{`{}`, ` { } `},
		{`{"a":1,"b":"x"}`, `{"b":"x","a":1}`, `{ "b" : "\u0078" , "\u0061" : 1 }`, `{"a":1,"b":"x","a":2}`, `{"a":1.0,"b":"x"}`, `{"a":10e-1,"b":"x"}`},
		{`{"a":2,"b":"x"}`, `{"b":"x","a":2,"a":1}`},
		{`{"a":{"c":[{"x":1,"y":2}],"d":null},"b":true}`, `{"b":true,"a":{"d":null,"c":[{"y":2,"x":1}]}}`},
		{`{"a":[1,2]}`},
		{`{"a":[2,1]}`},
		{`{"a":[12]}`},
		{`{"a":["1","2"]}`},
		{`{"a":["12"]}`},
		{`{"a":[[1],2]}`},
		{`{"a":[[1,2]]}`},
		{`{"a":"1"}`},
		{`{"a":true}`},
		{`{"a":false}`},
		{`{"a":null}`},
		{`{"a":"null"}`},
		{`{"a":""}`},
		{`{"a":[]}`},
		{`{"a":{}}`},
		{`{"a":0}`, `{"a":-0}`, `{"a":0.00}`, `{"a":0e5}`},
		{`{"a":-1}`, `{"a":-1.0}`},
		{`{"a":100}`, `{"a":1E+2}`, `{"a":1000e-1}`},
		{`{"a":9007199254740992}`},
		{`{"a":9007199254740993}`, `{"a":9007199254740993.0}`},
		{`{"a":0.1}`, `{"a":1e-1}`, `{"a":0.10}`},
		{`{"a":0.10000000000000001}`},
		{`{"a":1e99999999999999999999}`},
		{`{"a":1e99999999999999999998}`},
		{`{"a":"é"}`, `{"a":"\u00e9"}`},
		{`{"a":"e\u0301"}`},
		{`{"A":1}`},
		{`{"a":"b\":1,\"c\":\"d"}`},
		{`{"a":"b","c":"d"}`, `{"c":"d","a":"b"}`},
		{`{"a":1`},
		{`{"a":1} `, `{"a":1}`},
		{``},
		{`nonsense`},
	} {
		form := string(eventline.AppendCanonical([]byte("kept"), []byte(same[0])))
		if other, known := forms[form]; known || !strings.HasPrefix(form, "kept") {
			t.Errorf("%s is %q, as is %s", same[0], form, other)
		}
		forms[form] = same[0]
		for _, text := range same[1:] {
			if got := string(eventline.AppendCanonical([]byte("kept"), []byte(text))); got != form {
				t.Errorf("%s is %q, but %s, which says the same, is %q", text, got, same[0], form)
			}
		}
	}
}

// FuzzCanonical compares the canonical form with encoding/json: forms are equal exactly if the contents are.
func FuzzCanonical(f *testing.F) {
	for _, pair := range [][2]string{
		{`{"a":1,"b":{"x":[1,2],"y":"z"}}`, `{"b":{"y":"z","x":[1,2]},"a":1.0}`},
		{`{"a":[1,23]}`, `{"a":[12,3]}`},
		{`{"a":"\"","b":-0.5e3}`, `{"b":-500,"a":"\u0022"}`},
		{`{"a":1,"a":2}`, `{"a":1}`},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, okX := content(a)
		y, okY := content(b)
		if !okX || !okY {
			return
		}
		same := bytes.Equal(eventline.AppendCanonical(nil, a), eventline.AppendCanonical(nil, b))
		if same != (x == y) {
			t.Errorf("%s and %s: same form %t, same content %t", a, b, same, x == y)
		}
	})
}

// content writes an object's content in a unique form, slowly. It returns false for anything that is not a properties
// object, and for exponents that are too large for exact fractions.
func content(object []byte) (string, bool) {
	line := fmt.Appendf(nil, `{"event":"e","properties":%s}`, object)
	if err := eventline.Parse(line, &eventline.Event{}); err != nil && err != eventline.ErrNoTime { //nolint:errorlint // it comes as it is
		return "", false
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	ok := true
	var value func() string
	value = func() string {
		token, err := dec.Token()
		if err != nil {
			ok = false
			return ""
		}
		switch v := token.(type) {
		case json.Delim:
			var parts []string
			known := map[string]bool{}
			for ok && dec.More() {
				key := ""
				if v == '{' {
					key = value()
				}
				if one := key + ":" + value(); v == '[' || !known[key] {
					parts = append(parts, one)
				}
				known[key] = true
			}
			_, _ = dec.Token()
			if v == '{' {
				slices.Sort(parts)
			}
			return v.String() + strings.Join(parts, ",") + "."
		case json.Number:
			if _, power, _ := strings.Cut(strings.ToLower(v.String()), "e"); len(power) > 4 {
				ok = false
				return ""
			}
			number, _ := new(big.Rat).SetString(v.String())
			return number.String()
		case string:
			return fmt.Sprintf("%q", v)
		default:
			return fmt.Sprint(v)
		}
	}
	return value(), ok
}
