package storage_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"mixduck/internal/fault"
	"mixduck/internal/mounttest"
	"mixduck/storage"
)

// edit runs statements on a database file like any other program.
func edit(tb testing.TB, path string, statements ...string) {
	tb.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(tb.Context(), s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

func TestSchemaOfANewFile(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	want(t, "version and fence", query(t, path, "SELECT version, value FROM mixduck.schema_version, mixduck.fence"), []string{newestSchema(t) + "|0"})
	want(t, "metadata", query(t, path, "SELECT * FROM _metadata"), []string{"events|events|NULL|NULL|NULL|0"})
	for range 2 { // opening again changes nothing
		closeEngine(t, open(t, storage.Config{Path: path}))
	}
	want(t, "version", query(t, path, "SELECT version FROM mixduck.schema_version"), []string{newestSchema(t)})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	closeEngine(t, e)
	edit(t, path, "UPDATE mixduck.schema_version SET version = 999")
	for _, readOnly := range []bool{false, true} {
		_, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: readOnly})
		if err == nil || !strings.Contains(err.Error(), "999") || fault.HintOf(err) == "" {
			t.Errorf("Open = %v, want an error that names the version, with a hint", err)
		}
	}
	edit(t, path, "UPDATE mixduck.schema_version SET version = "+newestSchema(t))
	open(t, storage.Config{Path: path})
}

// An interrupted migration leaves the file unchanged, so the next one does all of it.
func TestForeignDatabaseIsMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.db")
	edit(t, path, "CREATE TABLE mine AS SELECT 42 AS answer")
	reader := open(t, storage.Config{Path: path, ReadOnly: true}) // a reader changes nothing
	closeEngine(t, reader)
	want(t, "schemas", query(t, path, "SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'mixduck'"), []string{"0"})
	e := open(t, storage.Config{Path: path})
	prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
	closeEngine(t, e)
	want(t, "a table of the user's", query(t, path, "SELECT answer FROM mine"), []string{"42"})
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.db")
	edit(t, path, "CREATE TABLE _metadata AS SELECT 42 AS answer")
	if _, err := storage.Open(t.Context(), storage.Config{Path: path}); err == nil || !strings.Contains(err.Error(), "_metadata") {
		t.Errorf("Open = %v, want an error that names the table in the way", err)
	}
	want(t, "schemas", query(t, path, "SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'mixduck'"), []string{"0"})
	edit(t, path, "DROP TABLE _metadata")
	open(t, storage.Config{Path: path})
}

func TestFilesThatAreNoDatabase(t *testing.T) {
	t.Parallel()
	newer := make([]byte, 12288)
	copy(newer[8:], "DUCK")
	binary.LittleEndian.PutUint64(newer[12:], 9999)
	tests := []struct {
		name    string
		content []byte
		text    string // in the error
	}{
		{"text", []byte(strings.Repeat("this is no database\n", 100)), "not a DuckDB database"},
		{"a few bytes", []byte("DUCK"), "not a DuckDB database"},
		{"SQLite", append([]byte("SQLite format 3\x00"), make([]byte, 4096)...), "not a DuckDB database"},
		{"a newer format", newer, "9999"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.db")
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, readOnly := range []bool{true, false} {
				_, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: readOnly})
				if err == nil || !strings.Contains(err.Error(), tt.text) || fault.HintOf(err) == "" {
					t.Errorf("Open = %v, want an error with %q and a hint", err, tt.text)
				}
			}
			if content, err := os.ReadFile(path); err != nil || !bytes.Equal(content, tt.content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: true}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Open for reading = %v, want %v", err, storage.ErrNotFound)
	}
	open(t, storage.Config{Path: path})
}

func TestDirectoryInPlaceOfAFile(t *testing.T) {
	t.Parallel()
	for _, readOnly := range []bool{true, false} {
		if _, err := storage.Open(t.Context(), storage.Config{Path: t.TempDir(), ReadOnly: readOnly}); err == nil {
			t.Error("a directory was opened")
		}
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mounttest.Small(t, dir, "16m")
	path := filepath.Join(dir, "x.db")
	e := open(t, storage.Config{Path: path})
	prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	mounttest.ReadOnly(t, dir)
	if _, err := storage.Open(t.Context(), storage.Config{Path: path}); err == nil {
		t.Error("a file on a read-only file system was opened for writing")
	}
	if _, err := storage.Open(t.Context(), storage.Config{Path: filepath.Join(dir, "new.db")}); !errors.Is(err, unix.EROFS) {
		t.Errorf("a new file on a read-only file system: %v, want %v", err, unix.EROFS)
	}
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	if c, err := reader.Coverage(t.Context(), "events", span(0, 1)); err != nil || len(c) != 1 {
		t.Errorf("Coverage = %v, %v, want one day", c, err)
	}
	closeEngine(t, reader)
}

// newestSchema returns the number of the last file in schema.
func newestSchema(tb testing.TB) string {
	tb.Helper()
	steps, err := filepath.Glob("schema/*.sql")
	if err != nil || len(steps) == 0 {
		tb.Fatalf("the steps of the schema: %v, %v", steps, err)
	}
	return strconv.Itoa(len(steps))
}

// For every schema version except the newest, testdata contains a file that Mixduck wrote when it was the newest:
// twenty events, and a quarantined line. The newest Mixduck reads it unchanged, and upgrades it when it writes: with a
// catalogue of the old rows, typed views and macros.
func TestFilesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	newest := newestSchema(t)
	const version = "SELECT version FROM mixduck.schema_version"
	const all = "SELECT e.*, decode(q.line), f.value, c.day, c.state, c.row_count, c.fetched_at, c.job_id FROM events AS e, mixduck.quarantine AS q, mixduck.fence AS f, mixduck.coverage AS c ORDER BY ALL"
	for n := 1; strconv.Itoa(n) != newest; n++ {
		name := "version" + strconv.Itoa(n)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.db")
			unpack(t, "testdata/"+name+".db.gz", path)
			before := query(t, path, all)
			reader := open(t, storage.Config{Path: path, ReadOnly: true}) // changes nothing
			if c, err := reader.Coverage(t.Context(), "events", span(0, 2)); err != nil || len(c) != 2 {
				t.Errorf("Coverage = %v, %v, want two days", c, err)
			}
			closeEngine(t, reader)
			want(t, "version after reading", query(t, path, version), []string{strconv.Itoa(n)})
			writer := open(t, storage.Config{Path: path})
			load(t, writer, window(span(2, 1), events(first+2, 5, "new")))
			wantCatalogue(t, storage.DB(writer))
			want(t, "views", makeModel(t, writer, false).Views, 1)
			closeEngine(t, writer)
			want(t, "typed rows and users", query(t, path, "SELECT count(*), (SELECT max(mau) FROM active_users('events')) FROM model.e"), []string{"25|1"})
			want(t, "version after writing", query(t, path, version), []string{newest})
			const old = "SELECT * FROM (" + all + ") WHERE day < '2026-11-03' AND day_1 < '2026-11-03'"
			want(t, "everything", query(t, path, old), before)
			want(t, "rows of the next load", query(t, path, "SELECT count(*) FROM events WHERE day = '2026-11-03'"), []string{"5"})
		})
	}
}

// testdata/version1.db.gz has properties and tables from before promotions existed.
func TestPromotingInAFileOfVersion1(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	unpack(t, "testdata/version1.db.gz", path)
	e := open(t, storage.Config{Path: path})
	promote(t, e, plan)
	again := prepare(t, e, storage.Table{
		Name: "events", Project: "1", Filter: "f", Job: "job-1", Days: span(0, 2), Promote: []storage.Promotion{{Property: "n", Type: "BIGINT"}},
	})
	want(t, "windows done", len(again.Done), 1)
	want(t, "columns must be filled", again.Fill, true)
	fillAll(t, e)
	closeEngine(t, e)
	want(t, "values", query(t, path, `SELECT "plan", sum(n) FROM events GROUP BY ALL ORDER BY ALL`), []string{"plan-0|63", "plan-1|70", "plan-2|57"})
}

func unpack(tb testing.TB, from, to string) {
	tb.Helper()
	packed, err := os.Open(from)
	if err != nil {
		tb.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		tb.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}
