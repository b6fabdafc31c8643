package query_test

import (
	"compress/gzip"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/query"
)

// loaded makes a database with two windows of events, and quarantined lines.
func loaded(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "12345.db")
	e, err := storage.Open(tb.Context(), storage.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := e.Prepare(tb.Context(), storage.Table{Name: "events", Project: "12345", Job: "job-1"}); err != nil {
		tb.Fatal(err)
	}
	first := day.Of(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	fetched := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i, lines := range []string{
		`{"event":"signup","properties":{"time":1793491200,"distinct_id":"u1","$insert_id":"a","plan":"free","a/b~c":1}}
{"event":"visit","properties":{"time":1793491300,"distinct_id":"u1","$insert_id":"b","plan":"free"}}
no event
{"event":"visit","properties":{"time":1793491400,"distinct_id":"u2","$insert_id":"c","plan":"pro"}}
`,
		`{"event":"visit","properties":{"time":1793577600,"distinct_id":"u2","$insert_id":"d"}}
`,
	} {
		d := first + day.Day(i)
		_, err := e.Load(tb.Context(), storage.Window{
			Table: "events", Days: day.Range{From: d, To: d}, Parts: []io.Reader{strings.NewReader(lines)}, Job: "job-1", FetchedAt: fetched,
			DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) }, Bytes: 1, Hash: "h",
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestInspect(t *testing.T) {
	t.Parallel()
	path := loaded(t)
	tests := []struct {
		ask     string
		columns string // names of the first ones
		rows    string // lines of CSV, or their beginning
	}{
		{"tables", "table_name,type,row_count,from_date,to_date,fetched_at,project,filter", "_metadata,view,1,,,,,\nevents,events,4,2026-11-01,2026-11-02,2026-11-22 08:00:00,12345,\"\""},
		{"schema events", "column_name,type,nullable", "event_name,VARCHAR,false\nevent_time,TIMESTAMP,false\ndistinct_id,VARCHAR,true\ninsert_id,VARCHAR,true\nproperties,JSON,false\nday,DATE,false\nprocessed_at,TIMESTAMP,true"},
		{"schema mixduck.fence", "column_name,type,nullable", "value,BIGINT,false"},
		{"sample EVENTS 1", "event_name", "?"},
		{"sample events", "event_name", "?\n?\n?\n?"},
		{"summarize events", "column_name,column_type,min,max", "event_name,VARCHAR,signup,visit\n?\n?\n?\n?\n?\n?"},
		{"breakdown events", "event_name,row_count,users,first_time,last_time", "visit,3,2,2026-11-01 00:01:40,2026-11-02 00:00:00\nsignup,1,1,2026-11-01 00:00:00,2026-11-01 00:00:00"},
		{"keys events", "key,row_count", "$insert_id,4\ndistinct_id,4\ntime,4\nplan,3\na/b~c,1"},
		{"keys events signup", "key,row_count", "$insert_id,1\na/b~c,1\ndistinct_id,1\nplan,1\ntime,1"},
		{"keys events nothing", "key,row_count", ""},
		{"properties", "table_name,event_name,property,types,row_count,share,first_day,last_day,example,promoted,description", "events,visit,$insert_id,string,3,1.0,2026-11-01,2026-11-02\n?\n?\nevents,visit,plan,string,2,0.6666666666666666,2026-11-01,2026-11-01,free,false,\nevents,signup,$insert_id\nevents,signup,a/b~c,integer,1,1.0,2026-11-01,2026-11-01,1,false,\n?\n?\n?"},
		{"properties signup", "table_name", "?\n?\n?\n?\n?"},
		{"properties events signup", "table_name", "?\n?\n?\n?\n?"},
		{"properties nothing", "table_name", ""},
		{"column events event_name", "value,row_count,percent,distinct_values,null_count,total_count", "visit,3,75.0,2,0,4\nsignup,1,25.0,2,0,4"},
		{"column events plan", "value,row_count,percent,distinct_values,null_count,total_count", "free,2,50.0,2,1,4\npro,1,25.0,2,1,4\n,1,25.0,2,1,4"},
		{"column events a/b~c", "value,row_count,percent,distinct_values,null_count,total_count", ",3,75.0,1,3,4\n1,1,25.0,1,3,4"},
		{"info", "path,bytes,wal_bytes,storage_version,duckdb_version,table_count,row_count", path},
		{"coverage", "table_name,day,state,row_count,quarantined,fetched_at,job_id", "events,2026-11-01,complete,3,1,2026-11-22 08:00:00,job-1\nevents,2026-11-02,complete,1,0,2026-11-22 08:00:00,job-1"},
		{"receipts events", "table_name,from_date,to_date,lines", "events,2026-11-02,2026-11-02,1\nevents,2026-11-01,2026-11-01,4"},
		{"changes", "table_name,day,job_id,added,removed,updated,loaded_at", ""},
		{"receipts events 2026-11-01", "table_name,from_date,to_date,lines", "events,2026-11-01,2026-11-01,4"},
		{"changes events 2026-11-01", "table_name,day", ""},
		{"quarantine", "table_name,from_date,to_date,day,line_number", "events,2026-11-01,2026-11-01,2026-11-01,3"},
		{"quarantine events 2026-11-01", "table_name,from_date,to_date,day,line_number", "events,2026-11-01,2026-11-01,2026-11-01,3"},
		{"quarantine events 2026-11-02", "table_name,from_date,to_date,day,line_number", ""},
	}
	for _, tt := range tests {
		t.Run(tt.ask, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(tt.ask)
			_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: words[0], Args: words[1:]}, Format: query.CSV})
			if err != nil {
				t.Fatal(err)
			}
			head, body, _ := strings.Cut(out, "\n")
			if !strings.HasPrefix(head, tt.columns) {
				t.Errorf("columns = %s, want %s", head, tt.columns)
			}
			got, want := strings.Split(strings.TrimSuffix(body, "\n"), "\n"), strings.Split(tt.rows, "\n")
			if len(got) != len(want) {
				t.Fatalf("rows:\n%s\nwant:\n%s", body, tt.rows)
			}
			for i := range want {
				if want[i] != "?" && !strings.HasPrefix(got[i], want[i]) {
					t.Errorf("row %d = %s, want %s", i, got[i], want[i])
				}
			}
		})
	}
}

// The catalogue of a file that an older version wrote says how much of it is missing; keys are then counted from the rows.
func TestInspectPropertiesOfAnOlderFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	packed, err := os.Open("../testdata/version8.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) (string, error) {
		_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: args[0], Args: args[1:]}, Format: query.CSV})
		return out, err
	}
	const keys = "key,row_count\n$insert_id,20\ndistinct_id,20\nmixed,20\nn,20\nplan,20\ntags,20\ntime,20\n"
	if out, err := ask("keys", "events"); err != nil || out != keys {
		t.Errorf("keys: %v\n%s", err, out)
	}
	if _, err := ask("properties"); err == nil || fault.HintOf(err) == "" {
		t.Errorf("properties = %v, want an error with a hint", err)
	}
	e, err := storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	d := day.Of(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	w := storage.Window{
		Table: "events", Days: day.Range{From: d, To: d}, Parts: []io.Reader{strings.NewReader(`{"event":"e","properties":{"time":1793577600,"plan":"new"}}`)}, Job: "2",
		DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) }, Force: true,
	}
	if _, err := e.Load(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO mixduck.uncounted VALUES ('events', '2026-11-01')") // as in a file with more rows
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := ask("properties")
	if err != nil || !strings.Contains(out, "days_not_counted,table_name") || !strings.Contains(out, "\n1 of 2,events,e,plan,string,13,") {
		t.Errorf("properties: %v\n%s", err, out)
	}
}

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	path := loaded(t)
	tests := []struct {
		name string
		ask  []string
		code fault.Code
		hint string
	}{
		{"what it does not know", []string{"secrets"}, fault.CodeUsage, "use one of tables, schema"},
		{"too few arguments", []string{"column", "events"}, fault.CodeUsage, "column TABLE NAME"},
		{"too many arguments", []string{"tables", "events"}, fault.CodeUsage, "use tables"},
		{"a table that does not exist", []string{"schema", "nope"}, fault.CodeNotFound, "the tables are _metadata, events"},
		{"SQL in the place of a table", []string{"schema", `events"; DROP TABLE events; --`}, fault.CodeNotFound, "the tables are"},
		{"SQL in the place of a day", []string{"receipts", "events", "' OR 1=1"}, fault.CodeUsage, "yyyy-mm-dd"},
		{"SQL in the place of a number", []string{"sample", "events", "1; DROP TABLE events"}, fault.CodeUsage, "a number from 1"},
		{"a column of a table without properties", []string{"column", "mixduck.fence", "nope"}, fault.CodeNotFound, "its columns are value"},
		{"events of a table without", []string{"breakdown", "mixduck.fence"}, fault.CodeUsage, "choose a table of events"},
		{"properties of a table without", []string{"keys", "mixduck.fence"}, fault.CodeUsage, "choose a table of events or profiles"},
		{"coverage of a table that does not exist", []string{"coverage", "nope"}, fault.CodeNotFound, "the tables are _metadata, events"},
		{"receipts of a table that does not exist", []string{"receipts", "nope"}, fault.CodeNotFound, "the tables are _metadata, events"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: tt.ask[0], Args: tt.ask[1:]}})
			if fault.CodeOf(err) != tt.code || !strings.Contains(fault.HintOf(err), tt.hint) || out != "" {
				t.Errorf("error = %v (%s; try: %s)", err, fault.CodeOf(err), fault.HintOf(err))
			}
		})
	}
}

// A property's name is a value and never part of the statement.
func TestInspectAnyProperty(t *testing.T) {
	t.Parallel()
	path := loaded(t)
	for _, name := range []string{`"`, `'`, `$.x`, `*`, `') FROM events; --`, "🦆", "a b", "/", "~1", ""} {
		_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: "column", Args: []string{"events", name}}, Format: query.CSV})
		if err != nil || !strings.Contains(out, "\n,4,100.0,0,4,4\n") {
			t.Errorf("%q: %v\n%s", name, err, out)
		}
	}
}

func TestInspectForeignDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "foreign.db")
	execute(t, path, `CREATE TABLE "odd "" name" AS FROM range(3)`, "CREATE VIEW v AS SELECT 1")
	_, out, err := run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: "tables"}, Format: query.CSV})
	if want := "table_name,type,row_count\n\"odd \"\" name\",table,3\nv,view,1\n"; err != nil || out != want {
		t.Errorf("tables = %q, %v, want %q", out, err, want)
	}
	_, _, err = run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: "coverage"}})
	if fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("coverage: error = %v", err)
	}
	_, out, err = run(t, query.Request{Database: path, Inspect: &query.Inspect{Name: "sample", Args: []string{`odd " name`}}, Format: query.CSV})
	if err != nil || strings.Count(out, "\n") != 4 {
		t.Errorf("sample = %q, %v", out, err)
	}
}

func TestQuestionsSayWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	for _, q := range query.Questions() {
		if q.Name == "" || q.About == "" {
			t.Errorf("%+v", q)
		}
	}
}
