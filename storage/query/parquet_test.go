package query_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/storage/query"
)

// readBack returns the rows of a file as texts, as DuckDB reads it.
func readBack(tb testing.TB, source string) (types []string, rows [][]string) {
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
	described := queryTexts(tb, db, "SELECT column_name || ' ' || column_type FROM (DESCRIBE FROM "+source+")")
	for _, row := range described {
		types = append(types, row[0])
	}
	return types, queryTexts(tb, db, "SELECT COLUMNS(*)::VARCHAR FROM "+source)
}

func queryTexts(tb testing.TB, db *sql.DB, text string) (all [][]string) {
	tb.Helper()
	rows, err := db.QueryContext(tb.Context(), text)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			tb.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = "NULL"
			if v.Valid {
				row[i] = v.String
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

// otherValues has a value of each rarely used type.
const otherValues = `SELECT 255::UTINYINT AS u1, 65535::USMALLINT AS u2, 4294967295::UINTEGER AS u4, 18446744073709551615::UBIGINT AS u8, 340282366920938463::UHUGEINT AS u16,
	(-128)::TINYINT AS i1, (-32768)::SMALLINT AS i2, TIMESTAMP_S '2026-01-01 00:00:01' AS s, TIMESTAMP_MS '2026-01-01 00:00:00.123' AS ms, TIMESTAMP_NS '2026-01-01 00:00:00.123456789' AS ns,
	TIMETZ '01:02:03+05:30' AS timetz, '9' :: BIGNUM AS bignum, [INTERVAL '1 month 1 microsecond'] AS spans, {'HUGEINT': 1::HUGEINT, 'b': '10'::BIT} AS s2,
	union_value(num := 2) AS one_of, '1.2345678901234567890123456789012345678'::DECIMAL(38, 37) AS d38, NULL AS nothing, 'a'::ENUM('HUGEINT', 'a') AS e`

// Parquet contains the same values as a database, except for the names of types that it does not have.
func TestParquet(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	exact := strings.ReplaceAll(values, "170141183460469231731687303715884105727", "99999999999999999999999999999999999999")
	for name, text := range map[string]string{
		"values": exact,
		"nested": strings.ReplaceAll(strings.ReplaceAll(nestedValues, "170141183460469231731687303715884105727", "9"), "union_value(num := 2)", "2"),
		"others": otherValues,
		"empty":  "SELECT 1 AS a, 'x' AS b WHERE false",
		"twins":  `SELECT 1 AS a, 2 AS a, 3 AS A, 4 AS "it's ""quoted"", \"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := filepath.Join(t.TempDir(), "result.parquet")
			res, _, err := run(t, query.Request{Database: path, SQL: text, Format: query.Parquet, Output: output, TempDir: filepath.Dir(output)})
			if err != nil {
				t.Fatal(err)
			}
			types, got := readBack(t, "'"+output+"'")
			_, want := readBack(t, "("+text+")")
			if diff := cmp.Diff(want, got); diff != "" || res.Rows != int64(len(want)) {
				t.Errorf("%d rows (-want +got):\n%s", res.Rows, diff)
			}
			t.Log(strings.Join(types, "\n"))
		})
	}
}

func TestParquetRefusesWhatItCannotHold(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	_, _, err := run(t, query.Request{Database: path, SQL: "SELECT 170141183460469231731687303715884105727::HUGEINT AS x", Format: query.Parquet})
	if fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("error = %v", err)
	}
}

func TestParquetToAStream(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	res, out, err := run(t, query.Request{Database: path, SQL: "SELECT range AS x, uuid() AS y FROM range(300000)", Format: query.Parquet})
	if err != nil || res.Bytes != int64(len(out)) || res.Rows != 300000 || !strings.HasPrefix(out, "PAR1") || !strings.HasSuffix(out, "PAR1") {
		t.Errorf("%+v of %d bytes, %v", res, len(out), err)
	}
}
