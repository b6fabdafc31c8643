package jsonscan_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"mixduck/internal/jsonscan"
)

// scan returns the error for a text that must be one value.
func scan(text string) error {
	s := jsonscan.Scanner{B: []byte(text)}
	s.I = s.Space(0)
	s.Value(0)
	if s.Err == nil && s.Space(s.I) != len(text) {
		s.Fail(jsonscan.ErrJSON)
	}
	return s.Err
}

func TestFieldsOfAnObject(t *testing.T) {
	t.Parallel()
	const text = ` { "a" : 1 ,"\u0062":[{}, "]"],"c":"x\"y" } rest`
	s := jsonscan.Scanner{B: []byte(text)}
	var got []string
	s.Object(0, func(key []byte) {
		start := s.I
		s.Value(1)
		got = append(got, string(key)+"="+string(jsonscan.Text(s.B[start:s.I])))
	})
	if want := `a=1 b=[{}, "]"] c=x"y`; s.Err != nil || strings.Join(got, " ") != want {
		t.Errorf("fields = %q, %v, want %q", got, s.Err, want)
	}
	if rest := string(s.B[s.I:]); rest != " rest" {
		t.Errorf("rest = %q", rest)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for text, want := range map[string]error{
		nested(jsonscan.MaxDepth): nil, nested(jsonscan.MaxDepth + 1): jsonscan.ErrDepth,
		`"\ud83d\ude00"`: nil, `"\ud83d"`: jsonscan.ErrSurrogate, `"\ude00"`: jsonscan.ErrSurrogate,
		"\"\xff\"": jsonscan.ErrUTF8, `"ü"`: nil, `{"a":1,}`: jsonscan.ErrJSON, `[1 2]`: jsonscan.ErrJSON, `NaN`: jsonscan.ErrJSON, ``: jsonscan.ErrJSON,
	} {
		if err := scan(text); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

// FuzzScan compares the scanner with encoding/json: both accept the same texts, except what databases cannot hold.
func FuzzScan(f *testing.F) {
	for _, text := range []string{`{"a":[1,2.5e-3,true,null,"x\n\u00e4"]}`, `"\ud800"`, `[[[]]]`, `-0`, `01`, ``, `{"a":1}{`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := scan(text)
		switch valid := json.Valid([]byte(text)); {
		case err == nil && (!valid || !utf8.ValidString(text)):
			t.Errorf("%q is accepted", text)
		case valid && errors.Is(err, jsonscan.ErrJSON):
			t.Errorf("%q is refused: %v", text, err)
		}
	})
}
