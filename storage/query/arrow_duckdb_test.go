//go:build duckdb_arrow

package query_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"mixduck/storage/query"
)

// asArrow replaces column types by those that they have in a stream.
var asArrow = strings.NewReplacer(" HUGEINT", " DECIMAL(38,0)", " UHUGEINT", " DECIMAL(38,0)",
	" INTERVAL", " VARCHAR", " TIME WITH TIME ZONE", " VARCHAR", " UUID", " VARCHAR", " BIT", " VARCHAR", " JSON", " VARCHAR", " BIGNUM", " VARCHAR",
	" UNION(num INTEGER)", " VARCHAR", " ENUM('a', 'b')", " VARCHAR", " ENUM('HUGEINT', 'a')", " VARCHAR")

// DuckDB reads the values that it has written, with types that can hold them.
func TestArrowReadByDuckDB(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for name, text := range map[string]string{
		"values": strings.ReplaceAll(values, "170141183460469231731687303715884105727", "99999999999999999999999999999999999999"),
		"nested": strings.NewReplacer("170141183460469231731687303715884105727", "9", "::JSON, NULL]", "::VARCHAR, NULL]").Replace(nestedValues), // JSON is text there
		"others": otherValues,
		"empty":  "SELECT 1 AS a, 'x' AS b WHERE false",
		"many":   "SELECT range AS n, 9007199254740993 + range AS large, nullif(range % 3, 0) AS hole, [range::VARCHAR] AS list FROM range(100_001)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, out, err := run(t, query.Request{Database: path, SQL: text, Format: query.Arrow})
			if err != nil {
				t.Fatal(err)
			}
			types, want := readBack(t, "("+text+")")
			for i := range types {
				types[i] = asArrow.Replace(types[i])
			}
			gotTypes, got := readArrow(t, out)
			if diff := cmp.Diff(types, gotTypes); diff != "" {
				t.Errorf("types (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// readArrow returns the rows of a stream as texts, as DuckDB reads it.
func readArrow(tb testing.TB, stream string) (types []string, rows [][]string) {
	tb.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(tb.Context(), "SET TimeZone = 'UTC'"); err != nil {
		tb.Fatal(err)
	}
	r, err := ipc.NewReader(strings.NewReader(stream))
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Release()
	conn, err := db.Conn(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	var release func()
	err = conn.Raw(func(driver any) error {
		a, err := duckdb.NewArrowFromConn(driver.(*duckdb.Conn))
		if err == nil {
			release, err = a.RegisterView(r, "result")
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	defer release()
	if err := conn.Close(); err != nil { // return it to the pool, which has no other
		tb.Fatal(err)
	}
	for _, row := range queryTexts(tb, db, "SELECT column_name || ' ' || column_type FROM (DESCRIBE FROM result)") {
		types = append(types, row[0])
	}
	return types, queryTexts(tb, db, "SELECT COLUMNS(*)::VARCHAR FROM result")
}
