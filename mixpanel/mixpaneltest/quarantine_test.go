package mixpaneltest_test

import (
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestLongLines(t *testing.T) {
	t.Parallel()
	p := project(0)
	p.Data = mixpaneltest.Lines{march1: {`{"event":"x","properties":{"time":1}}`}}
	s := start(t, p)
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.LongLine, LineBytes: 64 << 20})
	truth := truthOf(t, s, day.Range{From: march1, To: march1})
	if len(truth.Rows) != 1 || len(truth.Quarantined) != 1 || len(truth.Quarantined[0]) <= 64<<20 {
		t.Errorf("%d rows, %d quarantined, want the long line in quarantine", len(truth.Rows), len(truth.Quarantined))
	}
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { // of the whole line
		return `{"event":"x","properties":{"time":1,"x":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}}`
	}
	with := func(value string) string { return `{"event":"x","properties":{"time":1,"x":` + value + `}}` }
	tests := []struct {
		name string
		line string
		bad  bool
	}{
		{"plain event", with(`1`), false},
		{"no distinct_id", `{"event":"x","properties":{"time":1}}`, false},
		{"empty event name", `{"event":"","properties":{"time":1}}`, false},
		{"fraction of a second", `{"event":"x","properties":{"time":1.5}}`, false},
		{"white space", ` { "properties" : { "time" : 1 } , "event" : "x" } `, false},
		{"nested 100 deep", nested(100), false},
		{"nested 101 deep", nested(101), true},
		{"brackets in a text", with(`"` + strings.Repeat("[", 200) + `"`), false},
		{"surrogate pair", with(`"\ud83d\ude00"`), false},
		{"surrogate pair in capitals", with(`"\uD83D\uDE00"`), false},
		{"backslash before ud800", with(`"\\ud800"`), false},
		{"two backslashes before ud800", with(`"\\\ud800"`), true},
		{"high surrogate at the end", with(`"\ud83d"`), true},
		{"low surrogate first", with(`"\ude00\ud83d"`), true},
		{"two high surrogates", with(`"\ud83d\ud83d\ude00"`), true},
		{"key in another case", `{"Event":"x","properties":{"time":1}}`, true},
		{"two objects", with(`1`) + with(`2`), true},
		{"time is a text", `{"event":"x","properties":{"time":"1"}}`, true},
		{"time is zero", `{"event":"x","properties":{"time":0}}`, true},
		{"time in exponents", `{"event":"x","properties":{"time":1.7e9}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := project(0)
			p.Data = mixpaneltest.Lines{march1: {tt.line}}
			truth := truthOf(t, start(t, p), day.Range{From: march1, To: march1})
			if bad := len(truth.Quarantined) == 1; bad != tt.bad || bad == (len(truth.Rows) == 1) {
				t.Errorf("quarantined: %t, want %t", bad, tt.bad)
			}
		})
	}
}
