package budget

import (
	"strings"
	"testing"
)

// The error of each API names the project in its usual form, and so does its hint.
func TestErrorsNameTheProject(t *testing.T) {
	t.Parallel()
	for _, api := range []API{Export, Query, Lexicon} {
		e := &Error{Project: api.Of("12345"), Limit: LimitHour}
		if want := string(api) + " budget of project 12345: "; !strings.HasPrefix(e.Error(), want) {
			t.Errorf("error = %q, want it to begin with %q", e, want)
		}
		if !strings.Contains(e.Hint(), "--project 12345 ") {
			t.Errorf("hint = %q", e.Hint())
		}
	}
}
