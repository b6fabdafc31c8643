package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
)

var (
	at      = storage.Promotion{Property: "at", Type: "TIMESTAMP"}
	n       = storage.Promotion{Property: "n", Type: "BIGINT"}
	refills = storage.Config{LockWait: lockWait}
)

// damaged returns a file with rows of several days, and the right contents. An older version filled the promoted
// columns wrongly on all days except the first.
func damaged(tb testing.TB, days, rows int) (path string, right []string) {
	tb.Helper()
	e, path := newFile(tb)
	promote(tb, e, plan, at, n)
	for d := range days {
		lines := make([]string, rows)
		for i := range lines {
			lines[i] = event(first, d*86400+i%86400, fmt.Sprint("i", i), fmt.Sprintf(`,"plan":"p%d","at":"2026-11-01 10:00:%02d","n":%d.5`, i, i%60, i))
		}
		load(tb, e, window(span(d, 1), lines...))
	}
	closeEngine(tb, e)
	right = contents(tb, path)
	edit(tb, path, `UPDATE events SET "at" = "at" + INTERVAL 5 HOUR, n = 13 WHERE day > '2026-11-01'`)
	return path, right
}

// contents returns the distinguishing content of rows, day by day.
func contents(tb testing.TB, path string) []string {
	tb.Helper()
	return query(tb, path, "SELECT day, count(*), bit_xor(hash(events)), count(DISTINCT (event_time, insert_id)) FROM events GROUP BY day ORDER BY day")
}

// refill runs Refill and returns its last report.
func refill(ctx context.Context, path, columns string, fence int64) (changed int64, err error) {
	wanted, err := storage.ParseColumns(columns)
	if err != nil {
		return 0, err
	}
	cfg := refills
	cfg.Path = path
	err = storage.Refill(ctx, cfg, "events", wanted, fence, func(p storage.FillProgress) { changed = p.Changed })
	return changed, err
}

func TestRefill(t *testing.T) {
	t.Parallel()
	path, right := damaged(t, 4, 50)
	books := query(t, path, "SELECT * FROM mixduck.coverage ORDER BY ALL")
	for _, tt := range []struct {
		columns string
		changed int64
	}{{"plan", 0}, {"n", 150}, {"n:BIGINT,at", 150}, {"", 0}} {
		if changed, err := refill(t.Context(), path, tt.columns, 0); err != nil || changed != tt.changed {
			t.Errorf("Refill(%q) changed %d rows, %v, want %d", tt.columns, changed, err, tt.changed)
		}
	}
	want(t, "rows", contents(t, path), right)
	want(t, "coverage", query(t, path, "SELECT * FROM mixduck.coverage ORDER BY ALL"), books)
}

func TestRefillRefusals(t *testing.T) {
	t.Parallel()
	path, _ := damaged(t, 2, 5)
	for columns, code := range map[string]fault.Code{"plan,other": fault.CodeUsage, "n:DOUBLE": fault.CodeUsage} {
		if _, err := refill(t.Context(), path, columns, 0); fault.CodeOf(err) != code || fault.HintOf(err) == "" {
			t.Errorf("Refill(%q) = %v, want code %s and a hint", columns, err, code)
		}
	}
	if _, err := refill(t.Context(), path, "", 7); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE events SET n = 13")
	before := contents(t, path)
	if _, err := refill(t.Context(), path, "", 6); !errors.Is(err, storage.ErrFenced) {
		t.Errorf("Refill with an old fence = %v, want %v", err, storage.ErrFenced)
	}
	want(t, "rows", contents(t, path), before)
	cfg := refills
	cfg.Path = path
	if err := storage.Refill(t.Context(), cfg, "nothing", nil, 0, nil); fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("Refill of no table = %v, want code %s", err, fault.CodeNotFound)
	}
}

// If it is stopped between two pieces, finished ones stay, readers can read in between, and the next run does the
// rest.
func TestRefillIsDoneInPieces(t *testing.T) {
	t.Parallel()
	path, right := damaged(t, 3, 80) // the third day is a separate piece
	ctx, cancel := context.WithCancel(t.Context())
	cfg := refills
	cfg.Path = path
	var reported []storage.FillProgress
	err := storage.RefillPieces(ctx, cfg, "events", nil, 0, 200, func(p storage.FillProgress) {
		reported = append(reported, p)
		if p.Done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Refill = %v, want %v", err, context.Canceled)
	}
	want(t, "reports", reported, []storage.FillProgress{{Total: 2}, {Done: 1, Total: 2, Changed: 80}})
	want(t, "wrong rows", query(t, path, "SELECT day, count(*) FROM events WHERE n IS NOT NULL GROUP BY day ORDER BY day"),
		[]string{"2026-11-03|80"})
	if changed, err := refill(t.Context(), path, "", 0); err != nil || changed != 80 {
		t.Errorf("the second run changed %d rows, %v, want 80", changed, err)
	}
	want(t, "rows", contents(t, path), right)
}

// If it is killed at any moment, no row is lost or doubled, and after the next run every row is right.
func TestKilledInTheMiddleOfRefills(t *testing.T) {
	t.Parallel()
	path, right := damaged(t, 6, 5000)
	for range 8 {
		c := startChild(t, "refiller", path)
		time.AfterFunc(time.Duration(rand.IntN(400))*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() {
			t.Log(c.lines.Text())
		}
		c.kill()
		want(t, "events", query(t, path, "SELECT count(*), count(DISTINCT (event_time, insert_id)) FROM events"), []string{"30000|30000"})
		want(t, "days half done", query(t, path, "SELECT day FROM events GROUP BY day HAVING count(n) NOT IN (0, 5000)"), nil)
		edit(t, path, `UPDATE events SET n = 13 WHERE day > '2026-11-01'`)
	}
	if _, err := refill(t.Context(), path, "", 0); err != nil {
		t.Fatal(err)
	}
	want(t, "rows", contents(t, path), right)
}
