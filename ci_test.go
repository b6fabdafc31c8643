package mixduck_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Workflows, the CI script and the page for contributors name only existing targets of the Makefile.
func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("the workflows are %q, %v", files, err)
	}
	named := regexp.MustCompile("(?:run: |step |`|\\|\\| )make ([a-z0-9 -]+)")
	found := 0
	for _, name := range append(files, ".ci/run", "CONTRIBUTING.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			for target := range strings.FieldsSeq(m[1]) {
				found++
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
					t.Errorf("%s names make %s, which the Makefile lacks", name, target)
				}
			}
		}
	}
	if found < 15 {
		t.Errorf("%d targets are named: the expression does not find them any more", found)
	}
}
