package page_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/web/page"
)

var update = flag.Bool("update", false, "write testdata/golden instead of comparing it")

// The HTML of each view, from made-up data, is that of testdata/golden.
func TestGoldenViews(t *testing.T) {
	t.Parallel()
	views, err := page.Golden()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(views)) {
		file := filepath.Join("testdata", "golden", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(views[name]), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(views[name], "\n")); diff != "" {
			t.Errorf("%s has changed, -want +got; 'go test ./web/page -run TestGoldenViews -update' writes it:\n%s", name, diff)
		}
	}
	files, err := filepath.Glob("testdata/golden/*.html")
	if err != nil || len(files) != len(views) {
		t.Errorf("%d files for %d views, %v", len(files), len(views), err)
	}
}
