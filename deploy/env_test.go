package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// explained is a variable of .env.example.
type explained struct {
	value string
	isSet bool // otherwise shown as the default
	said  bool // preceded by a comment
}

func envExample(t *testing.T) map[string]explained {
	t.Helper()
	found := map[string]explained{}
	comment := false
	for line := range strings.Lines(read(t, filepath.Join(root, ".env.example"))) {
		line = strings.TrimSuffix(line, "\n")
		text, shown := strings.CutPrefix(line, "#")
		name, value, assigns := strings.Cut(text, "=")
		if strings.HasPrefix(text, " ") || !assigns {
			comment = strings.HasPrefix(text, " ") && !strings.HasPrefix(text, " ---")
			continue
		}
		found[name] = explained{value: value, isSet: !shown, said: comment}
		comment = false
	}
	return found
}

func TestEachVariableIsUsedAndExplained(t *testing.T) {
	t.Parallel()
	used, known := variables(t), envExample(t)
	if diff := cmp.Diff(sorted(used), sorted(known)); diff != "" {
		t.Errorf("used in compose files, and in .env.example: %s", diff)
	}
	for name, v := range known {
		if !v.said {
			t.Errorf("%s is not explained", name)
		}
		if !v.isSet && v.value != used[name] {
			t.Errorf("%s is said to be %q by default, and is %q", name, v.value, used[name])
		}
	}
}
