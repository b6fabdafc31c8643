package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// people describes a table of profiles.
func people(name string) storage.Keyed {
	return storage.Keyed{Name: name, Project: "1", Stream: "profiles", Columns: []storage.KeyedColumn{
		{Name: "distinct_id", Type: "VARCHAR", Key: true}, {Name: "properties", Type: "JSON"}, {Name: "last_seen", Type: "TIMESTAMP"},
	}}
}

// persons is a part of the rows: alternating IDs and properties.
type persons []string

func (p persons) Open() (storage.RowReader, error) { return &personReader{p}, nil }

type personReader struct{ left persons }

func (r *personReader) Next(row *storage.KeyedRow) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	row.Bad = nil
	if r.left[1] == "bad" {
		row.Bad, row.Text = errors.New("cannot be stored"), []byte(r.left[0])
	}
	row.Values[0], row.Values[1], row.Values[2] = []byte(r.left[0]), []byte(r.left[1]), nil
	r.left = r.left[2:]
	return nil
}

func (*personReader) Close() error { return nil }

// refresh does a full refresh of the table people and fails the test if that fails.
func refresh(tb testing.TB, e *storage.Engine, job string, parts ...storage.Part) storage.RefreshReceipt {
	tb.Helper()
	r, err := e.Refresh(tb.Context(), storage.Refresh{Table: people("people"), Parts: parts, Full: true, Job: job, FetchedAt: now, Bytes: 10, Requests: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestTheLaterOfTwoRowsWithOneKeyCounts(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	r := refresh(t, e, "a", persons{"x", `{"v":1}`, "y", `{"v":1}`}, persons{"x", `{"v":2}`, "x", `{"v":3}`, "z", "bad"})
	if r.Lines != 5 || r.Rows != 2 || r.Duplicates != 2 || r.Quarantined != 1 || r.Added != 2 {
		t.Errorf("%+v", r)
	}
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT distinct_id, properties::VARCHAR FROM people ORDER BY ALL"), []string{`x|{"v":3}`, `y|{"v":1}`})
	want(t, "quarantine", query(t, path, "SELECT line_number, decode(line) FROM mixduck.quarantine"), []string{"5|z"})
}

func TestManyRowsDoNotVanish(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	var many persons
	for n := range 100 {
		many = append(many, strconv.Itoa(n), "{}")
	}
	refresh(t, e, "a", many)
	_, err := e.Refresh(t.Context(), storage.Refresh{Table: people("people"), Full: true, Job: "b", FetchedAt: now})
	if _, ok := errors.AsType[*storage.EmptiedError](err); !ok {
		t.Fatal(err)
	}
	r, err := e.Refresh(t.Context(), storage.Refresh{Table: people("people"), Full: true, Force: true, Job: "c", FetchedAt: now})
	if err != nil || r.Removed != 100 {
		t.Fatal(r, err)
	}
}

func TestKeyedTableTakesOneFilterAndOneStream(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	refresh(t, e, "a", persons{"x", "{}"})
	filtered, other, project := people("people"), people("people"), people("people")
	filtered.Filter, other.Stream, project.Project = "f", "cohorts", "2"
	for _, k := range []storage.Keyed{filtered, other, project} {
		if _, err := e.PrepareKeyed(t.Context(), k, "b", 0); fault.CodeOf(err) != fault.CodeExists || fault.HintOf(err) == "" {
			t.Errorf("%+v: %v", k, err)
		}
		if _, err := e.Refresh(t.Context(), storage.Refresh{Table: k, Full: true, Job: "b", FetchedAt: now}); fault.CodeOf(err) != fault.CodeExists {
			t.Errorf("%+v: %v", k, err)
		}
	}
	for _, table := range []storage.Table{{Name: "people"}, {Name: "people", Replace: true}} {
		if _, err := e.Prepare(t.Context(), table); fault.CodeOf(err) != fault.CodeExists {
			t.Errorf("events into it: %v", err)
		}
	}
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
	load(t, e, window(span(0, 1), events(first, 3, "a")))
	inEvents := people("events")
	if _, err := e.PrepareKeyed(t.Context(), inEvents, "b", 0); fault.CodeOf(err) != fault.CodeExists {
		t.Errorf("profiles into events: %v", err)
	}
}

func TestFencedRefresh(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	if _, err := e.PrepareKeyed(t.Context(), people("people"), "a", 7); err != nil {
		t.Fatal(err)
	}
	_, err := e.Refresh(t.Context(), storage.Refresh{Table: people("people"), Full: true, Job: "a", Fence: 6, FetchedAt: now})
	if !errors.Is(err, storage.ErrFenced) {
		t.Fatal(err)
	}
}

func TestStatesOfKeyedTables(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	refresh(t, e, "a", persons{"x", "{}", "y", "{}", "z", "bad"})
	tables, err := e.Tables(t.Context())
	if err != nil || len(tables) != 2 {
		t.Fatal(tables, err)
	}
	if got := tables[1]; got.Name != "people" || got.Type != "profiles" || got.Rows != 2 || !got.FetchedAt.Equal(now) || !got.FullAt.Equal(now) || got.History {
		t.Errorf("%+v", got)
	}
	closeEngine(t, e)
	held, err := storage.ReadTableStates(t.Context(), storage.Config{Path: path})
	if err != nil || len(held.Tables) != 2 {
		t.Fatal(held, err)
	}
	if got := held.Tables[1]; got.Type != "profiles" || got.Rows != 2 || got.Quarantined != 1 || got.First != nil || got.Missing != 0 || !got.FetchedAt.Equal(now) {
		t.Errorf("%+v", got)
	}
	want(t, "_metadata", query(t, path, "SELECT table_name, type, row_count, from_date FROM _metadata WHERE type <> 'events'"), []string{"people|profiles|2|NULL"})
}

func TestPromotedColumnsOfKeyedTables(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	refresh(t, e, "a", persons{"x", `{"n":1}`, "y", `{"n":"2"}`})
	if err := e.Promote(t.Context(), "people", []storage.Promotion{{Property: "n", Type: "BIGINT"}}, 0); err != nil {
		t.Fatal(err)
	}
	refresh(t, e, "b", persons{"x", `{"n":1}`, "y", `{"n":3}`, "z", `{"n":4}`})
	closeEngine(t, e)
	values := func() []string { return query(t, path, "SELECT distinct_id, n FROM people ORDER BY ALL") }
	want(t, "values", values(), []string{"x|1", "y|3", "z|4"})
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE people SET n = 9"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := storage.Refill(t.Context(), storage.Config{Path: path}, "people", nil, 0, func(storage.FillProgress) {}); err != nil {
		t.Fatal(err)
	}
	want(t, "values", values(), []string{"x|1", "y|3", "z|4"})
}

func TestPromoteRefusalsOfKeyedTables(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	refresh(t, e, "a", persons{"x", `{"n":1}`})
	list := people("lists")
	list.Stream, list.Columns = "cohorts", []storage.KeyedColumn{{Name: "id", Type: "BIGINT", Key: true}, {Name: "name", Type: "VARCHAR"}}
	if _, err := e.Refresh(t.Context(), storage.Refresh{Table: list, Full: true, Job: "a", FetchedAt: now}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ table, property, want string }{
		{"people", "last_seen", "last_seen cannot be promoted: table people already has a column last_seen"},
		{"people", "Content_Hash", "Content_Hash cannot be promoted: table people already has a column content_hash"},
		{"lists", "name", "table lists has no properties to promote"},
		{"lists", "other", "table lists has no properties to promote"},
	} {
		if err := e.Promote(t.Context(), tt.table, []storage.Promotion{{Property: tt.property, Type: "VARCHAR"}}, 0); err == nil || err.Error() != tt.want {
			t.Errorf("Promote %s of %s = %v, want %s", tt.property, tt.table, err, tt.want)
		}
	}
	closeEngine(t, e)
	for _, wanted := range [][]storage.Promotion{nil, {{Property: "name"}}} {
		err := storage.Refill(t.Context(), storage.Config{Path: path}, "lists", wanted, 0, func(storage.FillProgress) {})
		if want := "table lists has no properties to promote"; err == nil || err.Error() != want {
			t.Errorf("Refill %v = %v, want %s", wanted, err, want)
		}
	}
}

func TestCopiesOfKeyedTables(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	refresh(t, e, "a", persons{"x", `{"n":1}`, "y", `{"n":2}`})
	refresh(t, e, "b", persons{"x", `{"n":1}`, "y", `{"n":3}`})
	closeEngine(t, e)
	if _, _, err := storage.Compact(t.Context(), storage.Config{Path: path}, 0); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := storage.Backup(t.Context(), storage.Config{Path: path, LockWait: lockWait}, backup, "backup"); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, backup} {
		e := open(t, storage.Config{Path: file})
		if r := refresh(t, e, "c", persons{"x", `{"n":1}`, "y", `{"n":4}`}); r.Updated != 1 || r.Unchanged != 1 {
			t.Errorf("%s: %+v", file, r)
		}
		if err := e.Drop(t.Context(), "people", 0); err != nil {
			t.Error(err)
		}
		closeEngine(t, e)
		want(t, "bookkeeping", query(t, file, `SELECT (SELECT count(*) FROM mixduck.keyed), (SELECT count(*) FROM mixduck.receipts WHERE table_name = 'people'),
			(SELECT count(*) FROM _metadata WHERE table_name = 'people')`), []string{"0|0|0"})
	}
}

// refreshRows is the number of rows in the killed refreshes.
const refreshRows = 6000

// crowd returns all rows in version n: each has different content, and some are different rows.
func crowd(n int) (parts []storage.Part) {
	for part := range 3 {
		var p persons
		for row := range refreshRows / 3 {
			p = append(p, fmt.Sprint(part, "-", row+n), fmt.Sprintf(`{"v":%d}`, n))
		}
		parts = append(parts, p)
	}
	return parts
}

// refresherMain refreshes the table with one version after another.
func refresherMain(ctx context.Context, path string) error {
	return writeOn(ctx, path, func(e *storage.Engine, n int) error {
		_, err := e.Refresh(ctx, storage.Refresh{Table: people("people"), Parts: crowd(n), Full: true, Job: strconv.Itoa(n), FetchedAt: time.Now()})
		return err
	})
}

// If a refresh is killed at any moment, it has happened or not, and the next one knows which.
func TestKilledInTheMiddleOfRefreshes(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	refresh(t, e, "0", crowd(0)...)
	closeEngine(t, e)
	version := 0
	for range 20 {
		c := startChild(t, "refresher", fmt.Sprint(version+1, " ", path))
		if !c.lines.Scan() {
			t.Fatal("the child said nothing")
		}
		time.AfterFunc(rand.N(150*time.Millisecond), func() { _ = c.cmd.Process.Kill() })
		for c.lines.Scan() {
		}
		c.kill()
		got := query(t, path, `SELECT count(*), count(DISTINCT distinct_id), min(properties->>'v'), max(properties->>'v'),
			(SELECT max(job_id::INT) FROM mixduck.receipts), (SELECT row_count FROM mixduck.keyed) FROM people`)
		var rows, ids, lowest, highest, job, counted int
		if _, err := fmt.Sscanf(got[0], "%d|%d|%d|%d|%d|%d", &rows, &ids, &lowest, &highest, &job, &counted); err != nil {
			t.Fatal(got, err)
		}
		if rows != refreshRows || ids != rows || counted != rows || lowest != highest || lowest != job || job < version {
			t.Fatalf("after version %d: %s", version, got[0])
		}
		version = job
	}
}
