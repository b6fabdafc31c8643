package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
)

var (
	plan   = storage.Promotion{Property: "plan", Type: "VARCHAR"}
	amount = storage.Promotion{Property: "amount", Type: "DOUBLE"}
)

// promote promotes properties of table events.
func promote(tb testing.TB, e *storage.Engine, all ...storage.Promotion) {
	tb.Helper()
	if err := e.Promote(tb.Context(), "events", all, 0); err != nil {
		tb.Fatal(err)
	}
}

// purchases returns n events of the day offset days after first.
func purchases(offset, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(event(first, offset*86400+i, fmt.Sprint("p", i), fmt.Sprintf(`,"plan":"plan-%d","amount":%d.5`, i%3, i)))
	}
	return b.String()
}

const (
	sums   = `SELECT day, "plan", count(*), sum(amount) FROM events GROUP BY ALL ORDER BY ALL`
	stored = "SELECT table_name, property, type FROM mixduck.promoted ORDER BY ALL"
)

func TestPromoteKeepsRowsAndColumns(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 2), purchases(0, 3000), "bad\n", purchases(1, 3000)))
	closeEngine(t, e)
	edit(t, path, `ALTER TABLE events ADD COLUMN "my own" INTEGER DEFAULT 7`)
	before := query(t, path, "SELECT * FROM events ORDER BY event_time")
	e = open(t, storage.Config{Path: path})
	for range 2 {
		promote(t, e, plan, amount)
	}
	promote(t, e, amount)
	closeEngine(t, e)
	want(t, "rows", query(t, path, `SELECT * EXCLUDE ("plan", amount) FROM events ORDER BY event_time`), before)
	want(t, "promoted", query(t, path, stored), []string{"events|amount|DOUBLE", "events|plan|VARCHAR"})
	want(t, "amounts", query(t, path, `SELECT count(*), sum(amount), count("plan") FROM events`), []string{"6000|9000000.0|6000"})
	want(t, "columns", query(t, path, `SELECT column_name, data_type, is_nullable FROM duckdb_columns()
		WHERE table_name = 'events' AND schema_name = 'main' ORDER BY column_index`), []string{
		"event_name|VARCHAR|false", "event_time|TIMESTAMP|false", "distinct_id|VARCHAR|true", "insert_id|VARCHAR|true", "properties|JSON|false",
		"day|DATE|false", "processed_at|TIMESTAMP|true", "my own|INTEGER|true", "plan|VARCHAR|true", "amount|DOUBLE|true",
	})
	e = open(t, storage.Config{Path: path})
	load(t, e, window(span(1, 1), purchases(1, 3)))
	closeEngine(t, e)
	want(t, "rows after a load", query(t, path, `SELECT day, count(*), count("plan"), count("my own") FROM events GROUP BY ALL ORDER BY ALL`),
		[]string{"2026-11-01|3000|3000|3000", "2026-11-02|3|3|3"})
}

func TestPromoteInEveryMode(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	tables := []storage.Table{
		{Promote: []storage.Promotion{plan, amount}},
		{Promote: []storage.Promotion{amount}},
		{}, // append
		{Promote: []storage.Promotion{amount, {Property: "late", Type: "DATE"}}},
	}
	for i, table := range tables {
		table.Name, table.Project, table.Job = "events", "1", fmt.Sprint("job-", i)
		if prepare(t, e, table).Fill {
			fillAll(t, e)
		}
		for attempt, n := range []int{6, 9} {
			w := window(span(i, 1), purchases(i, n))
			w.Job, w.Add = fmt.Sprint(table.Job, "-", attempt), i == 2
			load(t, e, w)
		}
	}
	closeEngine(t, e)
	var wanted []string
	for d := range span(0, len(tables)).All() {
		wanted = append(wanted, d.String()+"|plan-0|3|10.5", d.String()+"|plan-1|3|13.5", d.String()+"|plan-2|3|16.5")
	}
	want(t, "sums", query(t, path, sums), wanted)
	want(t, "promoted", query(t, path, stored), []string{"events|amount|DOUBLE", "events|late|DATE", "events|plan|VARCHAR"})
}

func TestPromoteAtCreation(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	prepare(t, e, storage.Table{Name: "fresh", Project: "1", Job: "job-1", Create: true, Promote: []storage.Promotion{plan}})
	// A fetch that stored nothing blocks nobody.
	changed := storage.Promotion{Property: "plan", Type: "DATE"}
	prepare(t, e, storage.Table{Name: "fresh", Project: "1", Job: "job-2", Create: true, Promote: []storage.Promotion{changed}})
	w := window(span(0, 1), event(first, 1, "a", `,"plan":"2026-11-01"`))
	w.Table, w.Job = "fresh", "job-2"
	load(t, e, w)
	closeEngine(t, e)
	want(t, "values", query(t, path, `SELECT "plan", typeof("plan") FROM fresh`), []string{"2026-11-01|DATE"})
	want(t, "promoted", query(t, path, stored), []string{"fresh|plan|DATE"})
}

func TestReplaceCarriesPromotionsOver(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	promote(t, e, plan, amount)
	load(t, e, window(span(0, 1), purchases(0, 6)))
	replace := storage.Table{
		Name: "events", Project: "1", Replace: true, Job: "job-2", Days: span(0, 2),
		Promote: []storage.Promotion{{Property: "amount", Type: "BIGINT"}, {Property: "new", Type: "DATE"}},
	}
	for i := range 2 {
		w := window(span(i, 1), strings.ReplaceAll(purchases(i, 2), ".5", ""))
		w.Table, w.Job = prepare(t, e, replace).Table, "job-2"
		load(t, e, w)
	}
	want(t, "windows done", len(prepare(t, e, replace).Done), 2)
	if err := e.Swap(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	want(t, "windows done after the swap", len(prepare(t, e, replace).Done), 2)
	closeEngine(t, e)
	want(t, "sums", query(t, path, sums), []string{"2026-11-01|plan-0|1|0", "2026-11-01|plan-1|1|1", "2026-11-02|plan-0|1|0", "2026-11-02|plan-1|1|1"})
	want(t, "promoted", query(t, path, stored), []string{"events|amount|BIGINT", "events|new|DATE", "events|plan|VARCHAR"})
}

func TestPromoteRefusals(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	promote(t, e, plan, storage.Promotion{Property: "Mine", Type: "DATE"})
	load(t, e, window(span(0, 1), purchases(0, 6)))
	closeEngine(t, e)
	edit(t, path, "CREATE TABLE strange AS SELECT 42 AS answer", `ALTER TABLE events ADD COLUMN "Own" INTEGER`)
	e = open(t, storage.Config{Path: path})
	for _, tt := range []struct {
		name, table, text string
		code              fault.Code
		want              []string // in the error
	}{
		{"another type", "events", "amount,plan:BIGINT", fault.CodeUsage, []string{"plan", "VARCHAR", "BIGINT"}},
		{"a name that differs in case", "events", "amount,mine:DATE", fault.CodeUsage, []string{"Mine", "mine"}},
		{"a column of the user's", "events", "amount,OWN", fault.CodeExists, []string{"Own", "OWN"}},
		{"a table of the user's", "strange", "amount", fault.CodeExists, []string{"strange"}},
		{"no table", "other", "amount", fault.CodeNotFound, []string{"other"}},
		{"no name of a table", "a b", "amount", fault.CodeUsage, []string{"a b"}},
	} {
		all, err := storage.ParsePromotions(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		failures := map[string]error{"Promote": e.Promote(t.Context(), tt.table, all, 0)}
		if tt.code != fault.CodeNotFound { // Prepare would make it
			_, failures["Prepare"] = e.Prepare(t.Context(), storage.Table{Name: tt.table, Project: "1", Job: "job-2", Promote: all})
		}
		for what, err := range failures {
			if fault.CodeOf(err) != tt.code || fault.HintOf(err) == "" {
				t.Errorf("%s: %s = %v, want code %s and a hint", tt.name, what, err, tt.code)
				continue
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %s = %v, want %q in it", tt.name, what, err, part)
				}
			}
		}
	}
	wrong := []storage.Promotion{{Property: "day", Type: "DATE"}, {Property: "x", Type: "FLOAT"}}
	if err := e.Promote(t.Context(), "events", wrong, 0); fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "FLOAT") {
		t.Errorf("Promote = %v, want a usage error about both properties", err)
	}
	closeEngine(t, e)
	want(t, "promoted", query(t, path, stored), []string{"events|Mine|DATE", "events|plan|VARCHAR"})
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	if err := reader.Promote(t.Context(), "events", []storage.Promotion{amount}, 0); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("Promote for reading = %v, want %v", err, storage.ErrReadOnly)
	}
	closeEngine(t, reader)
}

// To stop promoting a property, drop the column.
func TestDroppedColumnIsNotPromoted(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	promote(t, e, plan, amount)
	load(t, e, window(span(0, 1), purchases(0, 6)))
	closeEngine(t, e)
	edit(t, path, `ALTER TABLE events DROP COLUMN "plan"`)
	e = open(t, storage.Config{Path: path})
	load(t, e, window(span(1, 1), purchases(1, 6)))
	promote(t, e, storage.Promotion{Property: "plan", Type: "DATE"})
	closeEngine(t, e)
	want(t, "values", query(t, path, `SELECT count(*), count("plan"), count(amount) FROM events`), []string{"12|0|12"})
	want(t, "promoted", query(t, path, stored), []string{"events|amount|DOUBLE", "events|plan|DATE"})
}

func TestPromoteOfAnEarlierTurn(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	w := window(span(0, 1), purchases(0, 6))
	w.Fence = 5
	load(t, e, w)
	if err := e.Promote(t.Context(), "events", []storage.Promotion{plan}, 4); !errors.Is(err, storage.ErrFenced) {
		t.Errorf("Promote = %v, want %v", err, storage.ErrFenced)
	}
	if err := e.Promote(t.Context(), "events", []storage.Promotion{plan}, 6); err != nil {
		t.Error(err)
	}
	if _, err := e.Load(t.Context(), w); !errors.Is(err, storage.ErrFenced) {
		t.Errorf("Load = %v, want %v", err, storage.ErrFenced)
	}
	closeEngine(t, e)
	want(t, "promoted", query(t, path, stored), []string{"events|plan|VARCHAR"})
}

// If a promotion is cancelled at any moment, the next one continues, and the engine remains usable. Readers of the
// same process never see a row twice, or not at all.
func TestPromoteCancelled(t *testing.T) {
	t.Parallel()
	const rows, promotions = 20_000, 20
	e, path := newFile(t)
	load(t, e, window(span(0, 1), purchases(0, rows)))
	done, read := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-done:
				read <- nil
				return
			default:
			}
			if top, err := e.TopEvents(t.Context(), "events", span(0, 1), 1); err != nil || top[0].Rows != rows {
				read <- fmt.Errorf("TopEvents = %v, %w, want %d rows", top, err, rows)
				return
			}
		}
	}()
	kept := 0
	for i := range promotions {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(150))*time.Millisecond)
		err := e.Promote(ctx, "events", []storage.Promotion{{Property: fmt.Sprint("p", i), Type: "VARCHAR"}}, 0)
		cancel()
		switch {
		case err == nil:
			kept++
		case !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("Promote = %v, want nothing or %v", err, context.DeadlineExceeded)
		}
	}
	close(done)
	if err := <-read; err != nil {
		t.Error(err)
	}
	promote(t, e, plan)
	closeEngine(t, e)
	want(t, "rows", query(t, path, `SELECT count(*), count(DISTINCT insert_id), count("plan") FROM events`), []string{fmt.Sprintf("%d|%d|%d", rows, rows, rows)})
	want(t, "columns that are not promoted, and what is left to fill", query(t, path, `SELECT count(*) - (SELECT count(*) FROM mixduck.promoted),
		(SELECT count(*) FROM mixduck.filling), (SELECT count(*) FROM mixduck.unfilled) FROM duckdb_columns() WHERE table_name = 'events'`), []string{"7|0|0"})
	t.Logf("%d of %d came to their end", kept, promotions)
}

// promoterMain promotes one property after another.
func promoterMain(ctx context.Context, path string) error {
	return writeOn(ctx, path, func(e *storage.Engine, n int) error {
		return e.Promote(ctx, "events", []storage.Promotion{{Property: fmt.Sprint("amount", n), Type: "DOUBLE"}}, 0)
	})
}

// If a promotion is killed at any moment, the next process continues. A column has its name once it is filled.
func TestKilledInTheMiddleOfPromotions(t *testing.T) {
	t.Parallel()
	const properties = 60
	e, path := newFile(t)
	var lines strings.Builder
	for i := range crashRows {
		var amounts strings.Builder
		for n := range properties {
			fmt.Fprintf(&amounts, `,"amount%d":%d`, n, i)
		}
		lines.WriteString(event(first, i, fmt.Sprint("p", i), amounts.String()))
	}
	load(t, e, window(span(0, 1), lines.String()))
	closeEngine(t, e)
	promoted := 0
	for range 10 {
		said := fmt.Sprint("begin ", promoted)
		c := startChild(t, "promoter", fmt.Sprint(promoted, " ", path))
		c.expect(t, said)
		time.AfterFunc(time.Duration(rand.IntN(200))*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() {
			said = c.lines.Text()
		}
		c.kill()
		var what string
		var n int
		if _, err := fmt.Sscan(said, &what, &n); err != nil {
			t.Fatalf("child said %q", said)
		}
		closeEngine(t, open(t, storage.Config{Path: path, ReadOnly: true}))
		columns := query(t, path, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'events' AND column_name LIKE 'amount%'")
		promoted = len(columns)
		if promoted != n+1 && (what != "begin" || promoted != n) {
			t.Fatalf("%d columns are there after %q", promoted, said)
		}
		var all []storage.Promotion
		for _, column := range columns {
			all = append(all, storage.Promotion{Property: column, Type: "DOUBLE"})
		}
		want(t, "rows", counts(t, path), []string{fmt.Sprint("2026-11-01|", crashRows)})
		checkColumns(t, path, all)
	}
	t.Logf("%d properties were promoted", promoted)
}
