package jsonscan

import (
	"encoding/json"
	"testing"
)

// Text must decode escapes exactly like encoding/json, because stored hashes were computed from its results.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`"a"`, `"\n\t\"\\\/\b\f\r"`, `"é\u00e9x"`, `"\ud83d\ude00z\u0000"`, `"\uFFFF\u20ac"`, `"x\\"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Scanner{B: []byte(text)}
		s.Str()
		if s.Err != nil || s.I != len(text) {
			t.Skip()
		}
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(Text([]byte(text))); got != want {
			t.Errorf("Text(%s) = %q, want %q", text, got, want)
		}
	})
}
