package workspace_test

import (
	"fmt"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

func TestNoEvent(t *testing.T) {
	t.Parallel()
	known := []string{"Page View", "Sign Up", "Sign In", "購入", "Item Added", "🎉"}
	for _, tt := range []struct{ name, want string }{
		{"“Sign Up”", `no event named "“Sign Up”"; did you mean "Sign Up"?`},
		{"sign up", `no event named "sign up"; did you mean "Sign Up"?`},
		{"Sign Up ", `no event named "Sign Up "; did you mean "Sign Up"?`},
		{"SignUp", `no event named "SignUp"; did you mean "Sign Up"?`},
		{"Itme Added", `no event named "Itme Added"; did you mean "Item Added"?`},
		{"Checkout", `no event named "Checkout"`},
		{"line\nbreak", `no event named "line\nbreak"`},
		{"x", `no event named "x"`},
		{"?", `no event named "?"`},
	} {
		if got := workspace.NoEvent(tt.name, "", known); got != tt.want {
			t.Errorf("NoEvent(%q) = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A name without any events is reported, with the intended name if the database knows it.
func TestNamesThatMatchNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 200}, nil)
	r := days(t, "2026-11-01", "2026-11-02")
	if p := f.must(t, workspace.FetchRequest{Table: "events", Days: r}); p.Warnings != "" {
		t.Fatalf("warnings = %q without names", p.Warnings)
	}
	for _, mode := range []workspace.Mode{workspace.Sync, workspace.Append, workspace.Replace} {
		p := f.must(t, workspace.FetchRequest{
			Table: "some_" + string(mode), Days: r, Mode: mode, Events: []string{"Item Added", "item added", "Nonsense"},
		})
		want := []string{`no event named "item added" in 2026-11-01..2026-11-02; did you mean "Item Added"?`, `no event named "Nonsense" in 2026-11-01..2026-11-02`}
		if p.Warnings != strings.Join(want, "\n") {
			t.Errorf("%s: warnings = %q, want %q", mode, p.Warnings, want)
		}
	}
	p := f.must(t, workspace.FetchRequest{Table: "due", Days: r, Due: &workspace.Due{}, Events: []string{"Item Added", "Nonsense"}})
	if p.Warnings != `no event named "Nonsense"` {
		t.Errorf("warnings = %q, want one without days", p.Warnings)
	}
}

// A long list of names does not cause a long list of warnings.
func TestManyMissingNames(t *testing.T) {
	t.Parallel()
	names := manyNames(250)
	for n, want := range map[int]int{0: 0, 1: 1, 10: 10, 11: 11, 250: 11} {
		got := workspace.NoEvents(names[:n], " in 2026-11", nil)
		if len(got) != want {
			t.Errorf("%d names make %d warnings, want %d", n, len(got), want)
		}
		if more := fmt.Sprintf("any of %d more of the requested names in 2026-11", n-10); n > 10 && !strings.Contains(got[10], more) {
			t.Errorf("the last warning is %q, want that it says %q", got[10], more)
		}
	}
}
