package config

import (
	"regexp"
	"testing"
)

// defaultText finds the default in a usage text.
var defaultText = regexp.MustCompile(`default:? ([^ ;,)]+)(?:$|[;,)])`)

// The texts of help and schema contain defaults; the values are elsewhere.
func TestUsageNamesTheDefaults(t *testing.T) {
	t.Parallel()
	cfg := newConfig("/home/me")
	if err := cfg.finish(); err != nil {
		t.Fatal(err)
	}
	named := wantDefaults(t, settings(), cfg)
	named += wantDefaults(t, scheduleSettings(), cfg.newSchedule())
	if named < 25 {
		t.Errorf("%d texts name a default, want 25 or more", named)
	}
}

// wantDefaults sets each setting to the default in its usage, and returns how many have one.
func wantDefaults[T any](tb testing.TB, all []setting[T], want T) (named int) {
	tb.Helper()
	for _, s := range all {
		m := defaultText.FindStringSubmatch(s.usage)
		if m == nil || s.set == nil {
			continue
		}
		got := want
		if err := s.set(&got, m[1]); err != nil {
			continue // words, such as "the system's"
		}
		named++
		if a, b := s.show(&got), s.show(&want); b != "" && a != b && a != "~/.mp/data" { // "" depends on other settings
			tb.Errorf("%s: usage names the default %q, but the default is %q", s.key, a, b)
		}
	}
	return named
}
