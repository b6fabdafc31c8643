package bench_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"mixduck/storage"
)

// BenchmarkCopies compares backing up a database, and compacting it, with loading its rows.
func BenchmarkCopies(b *testing.B) {
	const rounds = 3
	e := newExport(b, perDay)
	var loaded, copied, compacted []float64
	for b.Loop() {
		for n := range rounds {
			dir := b.TempDir()
			cfg := storage.Config{Path: filepath.Join(dir, "day.db")}
			loaded = append(loaded, e.load(b, cfg.Path))
			began := time.Now()
			if err := storage.Backup(b.Context(), cfg, filepath.Join(dir, "copy.db"), strconv.Itoa(n)); err != nil {
				b.Fatal(err)
			}
			copied = append(copied, time.Since(began).Seconds())
			began = time.Now()
			if _, _, err := storage.Compact(b.Context(), cfg, 0); err != nil {
				b.Fatal(err)
			}
			compacted = append(compacted, time.Since(began).Seconds())
		}
	}
	a, c, k := median(loaded), median(copied), median(compacted)
	b.ReportMetric(c/a, "ratio")
	report("1M events of a day into an empty file", "%.2f s", a)
	report("a backup of that", "%.2f s, %.2f of it", c, c/a)
	report("its compaction", "%.2f s, %.2f of it", k, k/a)
}
