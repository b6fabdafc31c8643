package fetch

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/workspace"
)

// A paused job shows why it failed before, even in another attempt.
func TestTroubleOutlivesAPause(t *testing.T) {
	t.Parallel()
	before := jobs.Progress{WindowsDone: 2, Trouble: "2026-11-03: refused"}
	for _, tt := range []struct {
		name string
		now  workspace.Progress
		want string
	}{
		{"nothing new", workspace.Progress{WindowsDone: 2}, "2026-11-03: refused"},
		{"another trouble", workspace.Progress{WindowsDone: 2, Trouble: "2026-11-04: cut"}, "2026-11-04: cut"},
		{"a success since", workspace.Progress{WindowsDone: 3}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			trouble := (&run{Handler: &Handler{}, before: before}).progress(tt.now).Trouble
			if trouble != tt.want {
				t.Fatalf("trouble = %q, want %q", trouble, tt.want)
			}
			err := classify(&workspace.PauseError{Until: time.Now(), Err: errors.New("the hour is spent")}, trouble)
			if text := err.Error(); !strings.HasPrefix(text, "the hour is spent") || !strings.Contains(text, tt.want) {
				t.Errorf("note = %q, want the pause and %q", text, tt.want)
			}
		})
	}
}
