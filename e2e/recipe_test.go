package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// recipe is a code block of a page that a test can run.
var recipe = regexp.MustCompile("(?s)<!-- recipe: (\\w+) -->\n```\\w+\n(.*?)```")

// recipes returns the recipes of the page about reading: each with its kind and its text as the last two elements.
func recipes(tb testing.TB) [][]string {
	tb.Helper()
	page, err := os.ReadFile("../docs/reading.md")
	if err != nil {
		tb.Fatal(err)
	}
	found := recipe.FindAllStringSubmatch(string(page), -1)
	if len(found) < 5 {
		tb.Fatalf("the page has %d recipes", len(found))
	}
	return found
}

func TestRecipeOfADBC(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", adbcPackages...)
	s, address := newFlightSite(t, "")
	for _, r := range recipes(t) {
		if r[1] != "adbc" {
			continue
		}
		got := command(t, s.env, program, "-c", strings.ReplaceAll(r[2], "127.0.0.1:6494", address))
		if got.code != 0 || !strings.Contains(got.stdout, "event_name") {
			t.Errorf("exit code %d of\n%s\n%s%s", got.code, r[2], got.stdout, got.stderr)
		}
	}
}

// What the page tells people to paste into Python and DuckDB works, with both versions of DuckDB.
func TestRecipesOfThePage(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 50)
	s.waitForSnapshot(t, s.fetch(t, dates(t, "2025-11-01", "2025-11-03")).ID)
	for _, version := range []string{"duckdb~=1.5.0", "duckdb"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			program := python(t, version)
			for _, r := range recipes(t) {
				if r[1] == "adbc" {
					continue // TestRecipeOfADBC
				}
				text := strings.ReplaceAll(r[2], "~/.mp/data/", s.dir+"/")
				if r[1] == "sql" {
					text = "import duckdb\nfor q in \"\"\"" + text + "\"\"\".strip().split(';')[:-1]:\n    print(duckdb.execute(q).fetchall())"
				}
				got := command(t, s.env, program, "-c", text)
				if got.code != 0 || got.stdout == "" {
					t.Errorf("exit code %d of\n%s\n%s", got.code, text, got.stderr)
				}
			}
		})
	}
}
