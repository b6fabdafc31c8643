package storage_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
	"mixduck/storage"
)

func TestLoadLab(t *testing.T) {
	for range 3 {
		path := filepath.Join(t.TempDir(), "x.db")
		e, err := storage.Open(t.Context(), storage.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		d := day.Of(time.Unix(1790812800, 0).UTC())
		r := day.Range{From: d, To: d}
		if _, err := e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Days: r, Job: "J", Fence: 5}); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open("/tmp/lab/ev.ndjson.gz")
		if err != nil {
			t.Skip(err)
		}
		z, _ := gzip.NewReader(f)
		t0 := time.Now()
		rec, err := e.Load(context.Background(), storage.Window{
			Table: "events", Days: r, Lines: z, Job: "J", Fence: 6, FetchedAt: time.Now(),
			DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) }, Bytes: 1, Hash: "x",
		})
		t1 := time.Now()
		e.Close()
		t.Log(rec, err, t1.Sub(t0), time.Since(t1))
	}
}

func TestOddJSON(t *testing.T) {
	for _, v := range []string{"1e999", "-0", "123456789012345678901234567890123456789012", "-1e-999", `"\u0000"`, "0.1e+5", `"\ud83d\ude00"`, strings.Repeat("9", 400), "[" + strings.Repeat("[", 90) + strings.Repeat("]", 90) + "]"} {
		path := filepath.Join(t.TempDir(), "x.db")
		e, err := storage.Open(t.Context(), storage.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		d := day.Of(time.Unix(1790812800, 0).UTC())
		r := day.Range{From: d, To: d}
		if _, err := e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Days: r, Job: "J", Fence: 5}); err != nil {
			t.Fatal(err)
		}
		rec, err := e.Load(context.Background(), storage.Window{
			Table: "events", Days: r, Lines: strings.NewReader(`{"event":"a\u0000b","properties":{"time":1790812801,"k":` + v + "}}\n"), Job: "J", Fence: 6, FetchedAt: time.Now(),
			DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) }, Bytes: 1, Hash: "x",
		})
		t.Log(v[:min(len(v), 10)], rec, err)
		e.Close()
	}
}
