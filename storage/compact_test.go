package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/storage"
)

func TestCompactGivesSpaceBack(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	for n := range 8 {
		load(t, e, window(span(n, 1), bulky(first+day.Day(n))))
	}
	load(t, e, window(span(8, 1), events(first+8, 10, "kept")))
	if err := e.Promote(t.Context(), "events", []storage.Promotion{{Property: "noise", Type: "VARCHAR"}}, 0); err != nil {
		t.Fatal(err)
	}
	for n := range 8 {
		w := window(span(n, 1))
		w.AllowEmpty, w.Force = true, true
		load(t, e, w)
	}
	closeEngine(t, e)
	rows := query(t, path, wholeEvents)
	before, after, err := storage.Compact(t.Context(), storage.Config{Path: path, LockWait: lockWait}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if after*2 > before {
		t.Errorf("%d bytes became %d, want less than half", before, after)
	}
	want(t, "rows", query(t, path, wholeEvents), rows)
	want(t, "fence", query(t, path, "FROM mixduck.fence"), []string{"7"})
	want(t, "files", fileNames(t, filepath.Dir(path)), []string{"x.db", "x.db.lock", "x.db.turn"})
	again := open(t, storage.Config{Path: path})
	load(t, again, window(span(9, 1), events(first+9, 5, "c")))
	closeEngine(t, again)
	want(t, "rows after the next load", counts(t, path), []string{"2026-11-09|10", "2026-11-10|5"})
}

// bulky returns the events of a day. Their properties do not compress well.
func bulky(d day.Day) string {
	noise := rand.New(rand.NewPCG(1, uint64(d)))
	var b strings.Builder
	for i := range 6000 {
		b.WriteString(event(d, i, strconv.Itoa(i), fmt.Sprintf(`,"noise":"%x%x%x"`, noise.Uint64(), noise.Uint64(), noise.Uint64())))
	}
	return b.String()
}

func TestCompactThatIsCutOffChangesNothing(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 1000, "a")))
	closeEngine(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := storage.Compact(ctx, storage.Config{Path: path, LockWait: lockWait}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact() = %v, want that it was cancelled", err)
	}
	want(t, "rows", counts(t, path), []string{"2026-11-01|1000"})
	want(t, "files", fileNames(t, filepath.Dir(path)), []string{"x.db", "x.db.lock", "x.db.turn"})
}

func TestCompactHeedsLocksAndFences(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	w := window(span(0, 1), events(first, 3, "a"))
	w.Fence = 9
	load(t, e, w)
	cfg := storage.Config{Path: path}
	if _, _, err := storage.Compact(t.Context(), cfg, 10); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("Compact() beside a writer = %v, want ErrLocked", err)
	}
	closeEngine(t, e)
	cfg.LockWait = lockWait
	if _, _, err := storage.Compact(t.Context(), cfg, 8); !errors.Is(err, storage.ErrFenced) {
		t.Errorf("Compact() with an old fence = %v, want ErrFenced", err)
	}
	cfg.Path = filepath.Join(t.TempDir(), "no.db")
	if _, _, err := storage.Compact(t.Context(), cfg, 0); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Compact() of nothing = %v, want ErrNotFound", err)
	}
}

// compactorMain loads a day and compacts the file, repeatedly.
func compactorMain(ctx context.Context, path string) error {
	for ctx.Err() == nil {
		e, err := storage.Open(ctx, storage.Config{Path: path})
		if err != nil {
			return err
		}
		if _, err := e.Load(ctx, window(span(1, 1), events(first+1, crashRows, "again"))); err != nil {
			return err
		}
		if err := e.Close(); err != nil {
			return err
		}
		fmt.Println("begin")
		if _, _, err := storage.Compact(ctx, storage.Config{Path: path}, 0); err != nil {
			return err
		}
	}
	return nil
}

// If a compaction is killed at any moment, it has happened or not, and it leaves nothing that the next one does not
// remove.
func TestKilledInTheMiddleOfCompactions(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, crashRows, "a")))
	load(t, e, window(span(1, 1), events(first+1, crashRows, "again")))
	closeEngine(t, e)
	for range 12 {
		c := startChild(t, "compactor", path)
		c.expect(t, "begin")
		time.AfterFunc(rand.N(150*time.Millisecond), func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() {
			if c.lines.Text() != "begin" {
				t.Errorf("child said %q", c.lines.Text())
			}
		}
		c.kill()
		closeEngine(t, open(t, storage.Config{Path: path})) // like the next load
		want(t, "rows", counts(t, path), []string{fmt.Sprint("2026-11-01|", crashRows), fmt.Sprint("2026-11-02|", crashRows)})
	}
	if _, _, err := storage.Compact(t.Context(), storage.Config{Path: path, LockWait: lockWait}, 0); err != nil {
		t.Fatal(err)
	}
	want(t, "files", fileNames(t, filepath.Dir(path)), []string{"x.db", "x.db.lock", "x.db.turn"})
}
