package workspace_test

import (
	"testing"

	"mixduck/workspace"
)

// Commands and schedules offer every stream of package stream, so the workspace must be able to fetch each.
func TestEveryListedStreamCanBeFetched(t *testing.T) {
	t.Parallel()
	for _, i := range workspace.Streams() {
		r := workspace.StreamRequest{Stream: i.Name}
		if err := r.Check(); err != nil || r.Table != i.Table {
			t.Errorf("stream %s: table %q, %v; want table %q", i.Name, r.Table, err, i.Table)
		}
	}
}
