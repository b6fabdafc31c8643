package console_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"pgregory.net/rapid"

	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
)

// eventNames returns the names in a command line.
func eventNames(args ...string) ([]string, error) {
	var f console.EventFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Add(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return f.Names()
}

func TestEventNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want []string // nil for a usage error
	}{
		{"a list", []string{"--events", "Sign Up,Purchase"}, []string{"Sign Up", "Purchase"}},
		{"two lists", []string{"--events", "a,b", "--events", "c"}, []string{"a", "b", "c"}},
		{"spaces belong to the name", []string{"--events", " a , b "}, []string{" a ", " b "}},
		{"a line end belongs to the name", []string{"--events", "line\nbreak"}, []string{"line\nbreak"}},
		{"a comma in quotes", []string{"--events", `"comma, name",b`}, []string{"comma, name", "b"}},
		{"quotes in quotes", []string{"--events", `"say ""hi""",b`}, []string{`say "hi"`, "b"}},
		{"other quotes are letters", []string{"--events", "“Sign Up”,🎉"}, []string{"“Sign Up”", "🎉"}},
		{"exactly as given", []string{"--event", `a, "b" `, "--event", "c"}, []string{`a, "b" `, "c"}},
		{"both", []string{"--events", "a,b", "--event", "c,d"}, []string{"c,d", "a", "b"}},
		{"a JSON array", []string{"--events", `["Sign Up","Purchase"]`}, nil},
		{"a quote inside", []string{"--events", `a"b`}, nil},
		{"a quote that is not closed", []string{"--events", `"a,b`}, nil},
		{"text after a quote", []string{"--events", `"a"b`}, nil},
		{"an empty list", []string{"--events", ""}, nil},
		{"an empty name", []string{"--event", ""}, nil},
		{"an empty name in a list", []string{"--events", "a,,b"}, nil},
		{"a comma at the end", []string{"--events", "a,"}, nil},
		{"a comma after quotes at the end", []string{"--events", `"a",`}, nil},
		{"empty quotes", []string{"--events", `""`}, nil},
		{"bytes that are no text", []string{"--event", "a\xff"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := eventNames(tt.args...)
			if tt.want == nil {
				if fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
					t.Errorf("got %q and error %v, want a usage error with a hint", got, err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("error %v, names (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A displayed list can be used as input.
func TestJoinedNamesAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[a-z ,"\n🎉]{1,8}`), 1, 5).Draw(t, "names")
		got, err := eventNames("--events", console.JoinNames(names))
		if err != nil || !slices.Equal(got, names) {
			t.Fatalf("%q came back as %q (%v)", names, got, err)
		}
	})
}
