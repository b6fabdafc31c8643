package query

import (
	"database/sql"
	"os"
	"strings"
	"testing"
)

// Each function of DuckDB is either allowed or rejected by name, so functions added by a newer version are reviewed.
func TestEachFunctionHasBeenLookedAt(t *testing.T) {
	t.Parallel()
	lists, err := loadAllowed()
	if err != nil {
		t.Fatal(err)
	}
	known := functions(t)
	for kind, list := range map[string]map[string]bool{"scalar": lists.scalar, "table": lists.table} {
		b, err := os.ReadFile("testdata/refused_" + kind + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		refused := parseNames(string(b))
		for name := range known[kind] {
			if list[name] == refused[name] {
				t.Errorf("%s function %s: allowed is %v, refused is %v", kind, name, list[name], refused[name])
			}
		}
		for _, names := range []map[string]bool{list, refused} {
			for name := range names {
				if !known[kind][name] && name != "unnest" {
					t.Errorf("%s function %s is in a list, but not in DuckDB", kind, name)
				}
			}
		}
	}
}

// functions returns the names of DuckDB's functions in lower case by kind, except pragmas and those that only DuckDB
// itself calls.
func functions(tb testing.TB) map[string]map[string]bool {
	tb.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(tb.Context(), `SELECT DISTINCT lower(function_name), function_type FROM duckdb_functions()
		WHERE function_type <> 'pragma' AND NOT starts_with(function_name, '__internal_') AND NOT starts_with(function_name, 'icu_collate_')`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	all := map[string]map[string]bool{"scalar": {}, "table": {}}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			tb.Fatal(err)
		}
		if strings.HasPrefix(kind, "table") {
			all["table"][name] = true
		} else {
			all["scalar"][name] = true
		}
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}
