package query_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"mixduck/storage/query"
)

// Arrow's own reader reads the same values, with types that can hold them.
func TestArrow(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for name, text := range map[string]string{
		"values": strings.ReplaceAll(values, "170141183460469231731687303715884105727", "99999999999999999999999999999999999999"),
		"nested": strings.ReplaceAll(nestedValues, "170141183460469231731687303715884105727", "9"),
		"others": otherValues,
		"empty":  "SELECT 1 AS a, 'x' AS b WHERE false",
		"twins":  `SELECT 1 AS a, 2 AS a, 3 AS A, 4 AS "it's ""quoted"", \"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, out, err := run(t, query.Request{Database: path, SQL: text, Format: query.Arrow})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "golden", name+".arrow.txt"), describeArrow(t, out))
		})
	}
}

// describeArrow returns the fields of a stream, and its rows as JSON.
func describeArrow(tb testing.TB, stream string) string {
	tb.Helper()
	r, err := ipc.NewReader(strings.NewReader(stream))
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Release()
	var b strings.Builder
	for _, f := range r.Schema().Fields() {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Type)
	}
	for r.Next() {
		rows, err := r.RecordBatch().MarshalJSON()
		if err != nil {
			tb.Fatal(err)
		}
		b.Write(rows)
	}
	if err := r.Err(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestArrowInManyBatches(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	for _, limit := range []int64{0, 1, 2048, 100_000, 100_001} {
		res, out, err := run(t, query.Request{Database: path, SQL: "SELECT range AS n FROM range(100_001) ORDER BY n DESC", Format: query.Arrow, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		want := limit
		if limit == 0 {
			want = 100_001
		}
		r, err := ipc.NewReader(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for r.Next() {
			column := r.RecordBatch().Column(0)
			for i := range column.Len() {
				if got := column.ValueStr(i); got != strconv.FormatInt(100_000-n, 10) {
					t.Fatalf("row %d is %s", n, got)
				}
				n++
			}
		}
		if n != want || res.Rows != n || res.Truncated != (n < 100_001) || r.Err() != nil {
			t.Errorf("limit %d: %d rows, %+v, %v", limit, n, res, r.Err())
		}
		r.Release()
	}
}

// The same query has the same bytes each time, also under NULLs, where Arrow allows any.
func TestArrowIsReproducible(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	const text = `SELECT if(i % 3 = 0, NULL, i) AS big, if(i % 3 = 1, NULL, i::INTEGER) AS small, if(i % 5 = 0, NULL, i % 2 = 0) AS flag, if(i % 7 = 0, NULL, 'text ' || i) AS text,
		if(i % 4 = 0, NULL, DATE '2026-01-01' + i::INTEGER) AS day, if(i % 4 = 1, NULL, i / 7) AS number, if(i % 4 = 2, NULL, [i, NULL, i + 1]) AS list,
		if(i % 4 = 3, NULL, {'a': i, 'b': if(i % 2 = 0, NULL, i)}) AS struct, if(i % 9 = 0, NULL, i::DECIMAL(30, 2)) AS wide, NULL AS nothing
		FROM range(5000) AS r(i) ORDER BY i DESC`
	var first string
	for range 4 {
		_, out, err := run(t, query.Request{Database: path, SQL: text, Format: query.Arrow})
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = out
		}
		if out != first {
			n := 0
			for n < min(len(out), len(first)) && out[n] == first[n] {
				n++
			}
			t.Fatalf("two results differ from byte %d of %d and %d", n, len(first), len(out))
		}
	}
}
