package query_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/storage/query"
)

var update = flag.Bool("update", false, "write the golden files anew")

// values has a row with difficult values of each type, one with NULLs, and one with easy values.
const values = `SELECT * FROM (VALUES
	(1, 9007199254740993, 170141183460469231731687303715884105727::HUGEINT, 1.10::DECIMAL(4,2), 1e16::DOUBLE, 0.1::FLOAT, true,
		'a,"b"' || chr(10) || 'c;', '', TIMESTAMP '2026-03-29 01:30:00.123456', TIMESTAMPTZ '2026-03-29 01:30:00+02', DATE '2026-03-29', TIME '01:02:03.5',
		INTERVAL '1 month 3 days 2 seconds', '\x00\xFF"'::BLOB, 'b'::ENUM('a', 'b'), '0b54a3ca-6bcd-4ae5-b5f5-1d8d0c2d6a3e'::UUID, '101'::BIT,
		('{"x":  1.10000000000000000000001,' || chr(10) || '"y":12345678901234567890123}')::JSON),
	(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, -9223372036854775808, -1, 0, 'nan', '-inf', false, ' x ', 'null', 'infinity', '-infinity', DATE '0044-03-15 (BC)', TIME '00:00:00',
		INTERVAL 0 SECONDS, ''::BLOB, 'a', '00000000-0000-0000-0000-000000000000', '0', 'null')
) AS t(id, big, huge, dec, dbl, flt, yes, txt, emp, ts, tstz, day, tim, span, bytes, enum, uuid, bits, js) ORDER BY id`

// nestedValues has nested values.
const nestedValues = `SELECT [1, NULL, 3] AS list, {'a': 9007199254740993, 'B c': 'x"y', 'h': 170141183460469231731687303715884105727::HUGEINT} AS struct,
	MAP {'k': 1.50::DECIMAL(4,2), 'it''s': NULL} AS map, ['nan'::DOUBLE, '-inf', 'inf', 2.5, NULL] AS odd, ['NaN', 'I, "Infinity"'] AS tricky,
	[{'deep': [[]]}] AS deep, ['{"n":1.10000000000000000000001}'::JSON, NULL] AS docs, []::INTEGER[] AS none, NULL::INTEGER[] AS nil,
	[TIMESTAMPTZ '2026-03-29 01:30:00+02'] AS times, union_value(num := 2) AS one_of, [1, 2]::INTEGER[2] AS pair`

func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	tests := []struct{ name, sql string }{
		{"values", values},
		{"nested", nestedValues},
		{"twins", `SELECT 1 AS a, 2 AS a, 3 AS A, 4 AS a_1, 5 AS "it's ""quoted"", \", '🦆' AS "🦆"`},
		{"empty", "SELECT 1 AS a, 'x' AS b WHERE false"},
		{"null", "SELECT NULL"},
		{"explain", "EXPLAIN SELECT 42"},
		{"describe", "DESCRIBE events"},
		{"show", "SHOW TABLES"},
	}
	for _, tt := range tests {
		for _, format := range []query.Format{query.Rows, query.CSV, query.JSON, query.JSONL} {
			t.Run(tt.name+" as "+string(format), func(t *testing.T) {
				t.Parallel()
				res, got, err := run(t, query.Request{Database: path, SQL: tt.sql, Format: format})
				if err != nil {
					t.Fatal(err)
				}
				if res.Bytes != int64(len(got)) || res.Truncated || res.Took <= 0 || len(res.Columns) == 0 {
					t.Errorf("result = %+v of %d bytes", res, len(got))
				}
				checkJSON(t, format, got, res.Rows)
				golden(t, filepath.Join("testdata", "golden", tt.name+"."+string(format)), got)
			})
		}
	}
}

// golden compares a text with the content of a file.
func golden(tb testing.TB, file, got string) {
	tb.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			tb.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// checkJSON fails unless the text is valid in JSON formats.
func checkJSON(tb testing.TB, format query.Format, text string, rows int64) {
	tb.Helper()
	switch format {
	case query.JSON:
		var all []json.RawMessage
		if err := json.Unmarshal([]byte(text), &all); err != nil || int64(len(all)) != rows {
			tb.Errorf("%d values, want %d: %v", len(all), rows, err)
		}
	case query.JSONL, query.Rows:
		n := int64(0)
		for line := range strings.Lines(text) {
			n++
			if !json.Valid([]byte(line)) {
				tb.Errorf("not JSON: %s", line)
			}
		}
		if format == query.Rows {
			rows++
		}
		if n != rows {
			tb.Errorf("%d lines, want %d", n, rows)
		}
	case query.CSV, query.Parquet, query.Arrow:
	}
}
