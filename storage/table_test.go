package storage_test

import (
	"errors"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

func wantExists(tb testing.TB, what string, err error) {
	tb.Helper()
	if fault.CodeOf(err) != fault.CodeExists || fault.HintOf(err) == "" {
		tb.Errorf("%s = %v, want an error that something exists, with a hint", what, err)
	}
}

func TestPrepareCreate(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	create := storage.Table{Name: "fresh", Project: "1", Create: true, Job: "job-1", Days: span(0, 2)}
	for range 2 { // an attempt of the same job continues
		plan := prepare(t, e, create)
		want(t, "plan", plan, storage.Plan{Table: "fresh"})
	}
	w := window(span(0, 1), events(first, 10, "a"))
	w.Table = "fresh"
	r := load(t, e, w)
	want(t, "plan of a later attempt", prepare(t, e, create).Done, []storage.Receipt{r})
	create.Job = "job-2"
	_, err := e.Prepare(t.Context(), create)
	wantExists(t, "Prepare by another job", err)

	// A table without a window needs no protection.
	left := storage.Table{Name: "left", Project: "1", Create: true, Job: "job-1"}
	prepare(t, e, left)
	left.Job, left.Project, left.Filter = "job-2", "2", "other"
	prepare(t, e, left)
	w = window(span(0, 1), events(first, 10, "a"))
	w.Table, w.Job = "left", "job-2"
	load(t, e, w)
	left.Create, left.Job = false, "job-3"
	prepare(t, e, left)
}

func TestPrepareComparesWhatTheTableHolds(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	for name, table := range map[string]storage.Table{
		"another project": {Name: "events", Project: "2"},
		"another filter":  {Name: "events", Project: "1", Filter: `{"events":["a"]}`},
		"create":          {Name: "events", Project: "1", Create: true},
		"another case":    {Name: "Events", Project: "1"},
		"a view":          {Name: "_metadata", Project: "1"},
	} {
		for _, replace := range []bool{false, true} {
			table.Replace, table.Job = replace, "job-2"
			_, err := e.Prepare(t.Context(), table)
			if replace && table.Name == "events" {
				if err != nil { // it will be another table
					t.Errorf("Prepare to replace by %s = %v", name, err)
				}
				continue
			}
			wantExists(t, "Prepare of "+name, err)
		}
	}
	want(t, "plan", prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-3", Days: span(0, 1)}).Done, []storage.Receipt(nil))
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-01|10"})
}

func TestReplace(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 2), events(first, 10, "old"), events(first+1, 10, "old"), untimed("bad")))
	replace := storage.Table{Name: "events", Project: "2", Filter: "f", Replace: true, Job: "job-2", Days: span(0, 2)}
	plan := prepare(t, e, replace)
	if plan.Table == "events" || len(plan.Done) != 0 || len(plan.Coverage) != 2 {
		t.Fatalf("plan = %+v, want another table, and the coverage of the old one", plan)
	}
	w := window(span(1, 1), "worse\n", events(first+1, 3, "new"))
	w.Table, w.Job = plan.Table, "job-2"
	r := load(t, e, w)
	closeEngine(t, e)
	want(t, "rows meanwhile", counts(t, path), []string{"2026-11-01|10", "2026-11-02|10"})

	e = open(t, storage.Config{Path: path}) // as after a crash
	plan = prepare(t, e, replace)
	want(t, "windows done", plan.Done, []storage.Receipt{r})
	for range 2 {
		if err := e.Swap(t.Context(), "events", 0); err != nil {
			t.Fatal(err)
		}
	}
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT day, insert_id FROM events ORDER BY ALL"), []string{"2026-11-02|new-0", "2026-11-02|new-1", "2026-11-02|new-2"})
	want(t, "tables", query(t, path, "SELECT table_name, project, filter, job_id FROM mixduck.tables"), []string{"events|2|f|job-2"})
	want(t, "coverage", query(t, path, "SELECT table_name, day, row_count FROM mixduck.coverage"), []string{"events|2026-11-02|3"})
	want(t, "receipts", query(t, path, "SELECT table_name, job_id FROM mixduck.receipts"), []string{"events|job-2"})
	want(t, "quarantine", query(t, path, "SELECT table_name, decode(line) FROM mixduck.quarantine"), []string{"events|worse"})
	want(t, "all tables", query(t, path, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'"), []string{"events"})
}

// A job does not take over what another replacing job has left behind.
func TestReplaceAfterAnotherReplace(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	replace := storage.Table{Name: "events", Project: "1", Replace: true, Job: "job-1"}
	w := window(span(0, 1), events(first, 10, "a"))
	w.Table = prepare(t, e, replace).Table
	load(t, e, w)
	replace.Job = "job-2"
	if plan := prepare(t, e, replace); len(plan.Done) != 0 {
		t.Errorf("plan = %+v, want nothing done", plan)
	}
	w = window(span(1, 1), events(first+1, 10, "a"))
	w.Table, w.Job = "events__replacing", "job-2"
	load(t, e, w)
	if err := e.Swap(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	want(t, "rows", counts(t, path), []string{"2026-11-02|10"})
}

func TestReplaceOfATableThatIsNotThere(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	w := window(span(0, 1), events(first, 10, "a"))
	w.Table = prepare(t, e, storage.Table{Name: "fresh", Project: "1", Replace: true, Job: "job-1"}).Table
	load(t, e, w)
	if err := e.Swap(t.Context(), "fresh", 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT count(*) FROM fresh"), []string{"10"})
}

// A user's own tables are never touched, whatever their names.
func TestTablesOfTheUser(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	edit(t, path, "CREATE TABLE mine AS SELECT 42 AS answer", "CREATE VIEW seen AS FROM mine", "CREATE TABLE other__replacing AS SELECT 43 AS answer")
	e = open(t, storage.Config{Path: path})
	for _, name := range []string{"mine", "Mine", "seen"} {
		for _, table := range []storage.Table{{Name: name}, {Name: name, Create: true}, {Name: name, Replace: true}} {
			_, err := e.Prepare(t.Context(), table)
			wantExists(t, "Prepare", err)
		}
	}
	_, err := e.Prepare(t.Context(), storage.Table{Name: "other", Replace: true})
	wantExists(t, "Prepare beside a table of the user's", err)
	_, err = e.Prepare(t.Context(), storage.Table{Name: "other__replacing"})
	if fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
		t.Errorf("Prepare of a name that is ours = %v, want a usage error", err)
	}
	// The user creates the table while the other one is being filled.
	w := window(span(0, 1), events(first, 10, "a"))
	w.Table = prepare(t, e, storage.Table{Name: "late", Replace: true, Job: "job-1"}).Table
	load(t, e, w)
	closeEngine(t, e)
	edit(t, path, "CREATE TABLE late AS SELECT 44 AS answer")
	e = open(t, storage.Config{Path: path})
	wantExists(t, "Swap", e.Swap(t.Context(), "late", 0))
	closeEngine(t, e)
	want(t, "answers", query(t, path, "SELECT m.answer, s.answer, o.answer, l.answer FROM mine AS m, seen AS s, other__replacing AS o, late AS l"), []string{"42|42|43|44"})
}

// A database can contain the tables of several fetches, which do not mix.
func TestTablesDoNotMix(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	prepare(t, e, storage.Table{Name: "more", Project: "2", Job: "job-0"})
	for _, table := range []string{"events", "more"} {
		w := window(span(0, 1), "bad "+table+"\n", events(first, len(table), table))
		w.Table = table
		load(t, e, w)
	}
	w := window(span(0, 1), events(first, 9, "again"))
	load(t, e, w)
	closeEngine(t, e)
	want(t, "metadata", query(t, path, "SELECT table_name, row_count FROM _metadata ORDER BY 1"), []string{"events|9", "more|4"})
	want(t, "quarantine", query(t, path, "SELECT decode(line) FROM mixduck.quarantine"), []string{"bad more"})
	want(t, "rows", query(t, path, "SELECT count(*) FROM more"), []string{"4"})
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	shrunk := &storage.ShrunkError{Stored: 100, Sent: 3}
	for d := range span(0, 5).All() {
		shrunk.Days = append(shrunk.Days, d)
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{shrunk, "2026-11-01, 2026-11-02, 2026-11-03 and 2 more: Mixpanel now sends 3 events, but 100 are stored; kept the stored rows"},
		{&storage.LockedError{Path: "x.db"}, "database locked: x.db"},
		{&storage.LockedError{Path: "x.db", PID: 7}, "database locked: x.db, held by PID 7"},
		{&storage.LockedError{Path: "x.db", PID: 7, Command: "worker run"}, "database locked: x.db, held by PID 7 (worker run)"},
		{&storage.NotFoundError{Path: "x.db"}, "no data yet: x.db"},
		{&storage.OutsideError{Days: span(0, 2), Outside: 3, Lines: 4}, "3 of 4 events are outside 2026-11-01..2026-11-02"},
		{&storage.BadLinesError{Bad: 3, Lines: 4, Reason: errors.New("odd")}, "3 of 4 lines are not events (the first: odd)"},
	} {
		if got := tt.err.Error(); got != tt.want || strings.HasSuffix(fault.HintOf(tt.err), ".") {
			t.Errorf("error = %q, want %q", got, tt.want)
		}
	}
}
