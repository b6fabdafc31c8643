package jsonscan_test

import (
	"testing"

	"mixduck/internal/jsonscan"
)

func TestContentHash(t *testing.T) {
	t.Parallel()
	seen := map[uint64]string{}
	for _, same := range [][]string{
		{`{"a":1,"b":[1,2],"c":{"d":null,"e":true}}`, ` { "c" : {"e":true,"d":null}, "b":[1,2], "a":1 } `},
		{`{"é":"ü/"}`, `{"\u00e9":"\u00fc\/"}`},
		{`[1,100,0.5,0]`, `[1.0,1e2,5E-1,-0.00e5]`},
		{`12345678901234567890`, `1234567890123456789e1`},
		{`1e99999999999999999999`},
		{`1E99999999999999999999`},
		{`{}`},
		{`[]`},
		{`""`},
		{`null`},
		{`true`},
		{`false`},
		{`"null"`},
		{`"1"`},
		{`1`},
		{`-1`},
		{`10`},
		{`[1]`},
		{`[[1]]`},
		{`{"":1}`},
		{`[1,2]`},
		{`[2,1]`},
		{`{"a":{"b":1}}`},
		{`{"b":{"a":1}}`},
		{`{"a":1,"b":2}`},
		{`{"a":2,"b":1}`},
		{`12345678901234567891`},
		{`{"a":1`},
		{`{"a":"\ud800"}`},
	} {
		hash := jsonscan.ContentHash([]byte(same[0]))
		for _, text := range same[1:] {
			if jsonscan.ContentHash([]byte(text)) != hash {
				t.Errorf("%s and %s differ", same[0], text)
			}
		}
		if other, known := seen[hash]; known {
			t.Errorf("%s and %s are equal", same[0], other)
		}
		seen[hash] = same[0]
	}
}
