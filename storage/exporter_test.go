package storage_test

import (
	"errors"
	"path/filepath"
	"testing"

	"mixduck/internal/day"
	"mixduck/storage"
)

// exported copies a day to a Parquet file, and returns its version.
func exported(t *testing.T, path, file string, d day.Day) (table storage.ExportedTable, c storage.Copied, version string) {
	t.Helper()
	err := storage.Export(t.Context(), storage.Config{Path: path}, "events", func(x *storage.Exporter) error {
		table = x.Table
		days, err := x.Days(t.Context(), day.Range{From: d, To: d})
		if err != nil {
			return err
		}
		if len(days) != 1 {
			t.Fatalf("days = %+v", days)
		}
		version = days[0].Version
		ids := map[string]int{}
		for i, column := range table.Columns {
			ids[column.Name] = i + 1
		}
		c, err = x.Copy(t.Context(), d, file, ids)
		if err == nil && c.Rows != days[0].Rows {
			t.Errorf("%d rows were copied, the coverage says %d", c.Rows, days[0].Rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return table, c, version
}

// The sum of a file is that of the rows it was copied from, and of no others. The version of a day stays until its rows
// or columns change.
func TestExport(t *testing.T) {
	t.Parallel()
	path, _ := damaged(t, 2, 50)
	dir := t.TempDir()
	table, before, version := exported(t, path, filepath.Join(dir, "a"), first+1)
	if sum, err := storage.SumParquet(t.Context(), storage.Config{}, table, filepath.Join(dir, "a")); err != nil || sum != before || sum.Rows != 50 {
		t.Errorf("SumParquet = %+v, %v, want %+v", sum, err, before)
	}
	if _, again, same := exported(t, path, filepath.Join(dir, "b"), first+1); again != before || same != version {
		t.Errorf("the second time %+v, version %s; the first time %+v, %s", again, same, before, version)
	}
	if changed, err := refill(t.Context(), path, "n", 0); err != nil || changed == 0 {
		t.Fatal(changed, err)
	}
	_, after, refilled := exported(t, path, filepath.Join(dir, "c"), first+1)
	if after == before || refilled == version {
		t.Errorf("after a refill %+v, version %s; before %+v, %s", after, refilled, before, version)
	}
	if sum, err := storage.SumParquet(t.Context(), storage.Config{}, table, filepath.Join(dir, "c")); err != nil || sum != after {
		t.Errorf("SumParquet = %+v, %v, want %+v", sum, err, after)
	}
	err := storage.Export(t.Context(), storage.Config{Path: filepath.Join(dir, "none.db")}, "events", func(*storage.Exporter) error { return nil })
	if !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a missing file: %v", err)
	}
}
