package storage_test

import (
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"mixduck/storage"
)

// crashRows is the number of rows per day in the killed loads.
const crashRows = 4000

// version returns the lines of two days in version n, which have a property of their own.
func version(n int) string {
	lines := events(first, crashRows, strconv.Itoa(n)) + events(first+1, crashRows, strconv.Itoa(n))
	return strings.ReplaceAll(lines, `,"distinct_id"`, fmt.Sprintf(`,"version-%d":%d,"distinct_id"`, n, n))
}

// loaderMain loads one version after another into the file, each replacing the previous one.
func loaderMain(ctx context.Context, path string) error {
	return writeOn(ctx, path, func(e *storage.Engine, n int) error {
		w := window(span(0, 2), version(n))
		w.Job = "job-" + strconv.Itoa(n)
		_, err := e.Load(ctx, w)
		return err
	})
}

// writeOn opens the file and calls write with increasing numbers. arg contains the first number and the path. It
// prints what it is about to do and what it has done, because it is killed in between.
func writeOn(ctx context.Context, arg string, write func(e *storage.Engine, n int) error) error {
	var begin int
	var path string
	if _, err := fmt.Sscan(arg, &begin, &path); err != nil {
		return err
	}
	for n := begin; ctx.Err() == nil; n++ {
		e, err := storage.Open(ctx, storage.Config{Path: path, PieceRows: crashRows / 4})
		if err != nil {
			return err
		}
		fmt.Println("begin", n)
		if err := write(e, n); err != nil {
			return err
		}
		fmt.Println("done", n)
		if n%2 == 0 { // also killed while it closes the file
			if err := e.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// If a load is killed at any moment, it has happened or not.
func TestKilledInTheMiddleOfLoads(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(2, 1), events(first+2, 10, "other")))
	w := window(span(0, 2), version(0))
	w.Job = "job-0"
	load(t, e, w)
	closeEngine(t, e)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	stored := 0
	for range 15 {
		c := startChild(t, "loader", fmt.Sprint(stored+1, " ", path))
		c.expect(t, fmt.Sprint("begin ", stored+1))
		time.AfterFunc(time.Duration(random.IntN(400))*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		var last string
		for c.lines.Scan() {
			last = c.lines.Text()
		}
		c.kill()
		what, text, _ := strings.Cut(last, " ")
		n, err := strconv.Atoi(text)
		if last == "" {
			what, n, err = "begin", stored+1, nil
		}
		if err != nil {
			t.Fatalf("child said %q", last)
		}
		may := []int{n, n + 1} // the last reported version, or the next one
		if what == "begin" {
			may = []int{n - 1, n}
		}
		stored = checkVersion(t, path, may)
	}
}

// checkVersion opens the file like a program after a crash, and returns its version.
func checkVersion(t *testing.T, path string, may []int) int {
	t.Helper()
	e, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: true, LockWait: lockWait})
	if err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	found := query(t, path, "SELECT DISTINCT split_part(insert_id, '-', 1) FROM events WHERE day < '2026-11-03'")
	if len(found) != 1 || found[0] != strconv.Itoa(may[0]) && found[0] != strconv.Itoa(may[1]) {
		t.Fatalf("versions %v are stored, want one of %v", found, may)
	}
	n, _ := strconv.Atoi(found[0])
	hash := md5.New()
	for line := range strings.Lines(version(n)) {
		_, properties, _ := strings.Cut(line, `"properties":`)
		fmt.Fprint(hash, strings.TrimSuffix(properties, "}\n"))
	}
	want(t, "hash of the rows", query(t, path, `SELECT md5(string_agg(properties, '' ORDER BY event_time)) FROM events WHERE day < '2026-11-03'`),
		[]string{hex.EncodeToString(hash.Sum(nil))})
	db, err := sql.Open("duckdb", path+"?access_mode=READ_ONLY")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	wantCatalogue(t, db)
	want(t, "coverage", queryDB(t, db, "SELECT day, row_count, job_id FROM mixduck.coverage ORDER BY day"), []string{
		fmt.Sprintf("2026-11-01|%d|job-%d", crashRows, n), fmt.Sprintf("2026-11-02|%d|job-%d", crashRows, n), "2026-11-03|10|job-1",
	})
	want(t, "last receipt", queryDB(t, db, "SELECT job_id FROM mixduck.receipts WHERE from_date = '2026-11-01' ORDER BY loaded_at DESC LIMIT 1"),
		[]string{fmt.Sprintf("job-%d", n)})
	return n
}
