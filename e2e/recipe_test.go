package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipe is a code block of a page that a test can run.
var recipe = regexp.MustCompile("(?s)<!-- recipe: (\\w+) -->\n```\\w+\n(.*?)```")

// recipes returns the recipes of a kind in the page about reading.
func recipes(tb testing.TB, kind string) (found []string) {
	tb.Helper()
	page, err := os.ReadFile("../docs/reading.md")
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range recipe.FindAllStringSubmatch(string(page), -1) {
		if r[1] == kind {
			found = append(found, r[2])
		}
	}
	if len(found) == 0 {
		tb.Fatalf("the page has no recipe for %s", kind)
	}
	return found
}

// tryRecipe runs a program with a recipe, which has to print something.
func tryRecipe(tb testing.TB, s *site, expect string, program ...string) {
	tb.Helper()
	if got := command(tb, s.env, program[0], program[1:]...); got.code != 0 || !strings.Contains(got.stdout, expect) {
		tb.Errorf("exit code %d of\n%s\n%s%s", got.code, strings.Join(program, " "), got.stdout, got.stderr)
	}
}

func TestRecipeOfADBC(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", adbcPackages...)
	s, address, _ := newFlightSite(t, "")
	for _, text := range recipes(t, "adbc") {
		tryRecipe(t, s, "event_name", program, "-c", strings.ReplaceAll(text, "127.0.0.1:6494", address))
	}
}

// runSQL makes Python print the results of statements.
const runSQL = "import duckdb, sys\nfor q in sys.argv[1].strip().split(';')[:-1]:\n    print(duckdb.execute(q).fetchall())"

// runURI makes Python read with SQLAlchemy, as Superset does.
const runURI = `
import sys
from sqlalchemy import create_engine, inspect, text
engine = create_engine(sys.argv[1].strip())
assert "events" in inspect(engine).get_table_names()
with engine.connect() as con:
    print("events:", con.execute(text("SELECT count(*) FROM events")).scalar())
`

// What the page tells people to paste works, with both versions of DuckDB in Python.
func TestRecipesOfThePage(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 50)
	s.waitForSnapshot(t, s.fetch(t, dates(t, "2025-11-01", "2025-11-03")).ID)
	here := strings.NewReplacer("~/.mp/data/", s.dir+"/", "/home/me/.mp/data/", s.dir+"/").Replace
	for _, version := range []string{"duckdb~=1.5.0", "duckdb"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			program := python(t, version)
			for _, text := range recipes(t, "python") {
				tryRecipe(t, s, "event_name", program, "-c", here(text))
			}
			for _, text := range recipes(t, "sql") {
				tryRecipe(t, s, "(150,)", program, "-c", runSQL, here(text))
			}
		})
	}
	t.Run("command line", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Dir(pythonWith(t, "duckdb-cli", "import duckdb_cli", "duckdb-cli==1.5.6"))
		for _, text := range recipes(t, "shell") {
			tryRecipe(t, s, "event_name", "sh", "-c", "PATH="+dir+":$PATH; "+here(text))
		}
	})
	t.Run("SQLAlchemy", func(t *testing.T) {
		t.Parallel()
		program := pythonWith(t, "sqlalchemy", "import duckdb_engine", "duckdb-engine", "sqlalchemy<2", "duckdb~=1.5.0")
		for _, text := range recipes(t, "uri") {
			tryRecipe(t, s, "events: 150", program, "-c", runURI, here(text))
		}
	})
	t.Run("JDBC", func(t *testing.T) {
		t.Parallel()
		program, jar := java(t), driver(t, duckDriver)
		for _, text := range recipes(t, "jdbc") {
			runForeign(t, s, program, "-cp", jar, "testdata/foreign/DuckJdbc.java", strings.TrimSpace(here(text)))
		}
	})
}
