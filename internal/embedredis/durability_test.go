package embedredis

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func mustOpen(tb testing.TB, config Config) *Server {
	tb.Helper()
	s, err := Open(tb.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func clientOf(tb testing.TB, s *Server) *redis.Client {
	tb.Helper()
	c := s.Client()
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// filesOf returns the contents of the data files in dir, as a process killed now would leave them.
func filesOf(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{"snapshot*", "journal*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return files
}

func writeFiles(tb testing.TB, dir string, files ...map[string][]byte) {
	tb.Helper()
	for _, set := range files {
		for name, data := range set {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// listIn opens files and returns the list "list" in them.
func listIn(tb testing.TB, dir string) []string {
	tb.Helper()
	s := mustOpen(tb, Config{Dir: dir})
	list, err := s.engine.redis.List("list")
	if err != nil && s.engine.redis.Exists("list") {
		tb.Fatal(err)
	}
	list = slices.Clone(list)
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return list
}

func push(tb testing.TB, c *redis.Client, values ...any) {
	tb.Helper()
	for _, v := range values {
		if err := c.RPush(tb.Context(), "list", v).Err(); err != nil {
			tb.Fatal(err)
		}
	}
}

// killed returns the files of a server that was killed after it pushed values, and the sizes of its journal before and
// after each push.
func killed(tb testing.TB, values ...any) (name string, files map[string][]byte, ends []int) {
	tb.Helper()
	dir := tb.TempDir()
	s := mustOpen(tb, Config{Dir: dir})
	c := clientOf(tb, s)
	ends = append(ends, int(s.journal.size))
	for _, v := range values {
		push(tb, c, v)
		ends = append(ends, int(s.journal.size))
	}
	return filepath.Base(s.dir.journal(s.number)), filesOf(tb, dir), ends
}

func TestJournalCutAtEveryByte(t *testing.T) {
	t.Parallel()
	name, files, ends := killed(t, "a", "b", "c")
	whole := files[name]
	for _, tail := range []string{"", "\x00\x00\x00\x00\x00\x00\x00\x00\x00", "garbage behind the end"} {
		for size := range len(whole) + 1 {
			dir := t.TempDir()
			files[name] = append(slices.Clone(whole[:size]), tail...)
			writeFiles(t, dir, files)
			want := []string{"a", "b", "c"}[:wholeRecords(ends, size)]
			for range 2 {
				if diff := cmp.Diff(want, append([]string{}, listIn(t, dir)...)); diff != "" {
					t.Fatalf("cut at %d of %d, then %q (-want +got):\n%s", size, len(whole), tail, diff)
				}
			}
		}
	}
}

func wholeRecords(ends []int, size int) int {
	n := 0
	for n+1 < len(ends) && ends[n+1] <= size {
		n++
	}
	return n
}

func TestScriptWhoseFirstRunChangedNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := clientOf(t, mustOpen(t, Config{Dir: dir}))
	script := redis.NewScript(`if ARGV[1] ~= "" then return redis.call("RPUSH", KEYS[1], ARGV[1]) end`)
	for _, run := range []*redis.Cmd{
		script.Eval(t.Context(), c, []string{"list"}, ""),
		script.EvalSha(t.Context(), c, []string{"list"}, "a"),
	} {
		if err := run.Err(); err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
	}
	left := t.TempDir()
	writeFiles(t, left, filesOf(t, dir))
	if got := listIn(t, left); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after a kill: list = %q", got)
	}
}

func TestDamagedRecordInTheMiddle(t *testing.T) {
	t.Parallel()
	name, files, ends := killed(t, "a", "b", "c", "d")
	damaged := slices.Clone(files[name])
	damaged[ends[2]-1] ^= 1 // the last byte of the second record
	later := "journal-000000000002"
	for _, following := range []map[string][]byte{{}, {later: files[name]}} {
		dir := t.TempDir()
		writeFiles(t, dir, files, map[string][]byte{name: damaged}, following)
		if got := listIn(t, dir); !slices.Equal(got, []string{"a"}) {
			t.Errorf("list = %q, want what was before the damage", got)
		}
		aside, err := filepath.Glob(filepath.Join(dir, "journal.corrupt-*"))
		if err != nil || len(aside) != 1+len(following) {
			t.Fatalf("set aside: %v, %v", aside, err)
		}
		if got, err := os.ReadFile(aside[0]); err != nil || !slices.Equal(got, damaged) {
			t.Errorf("%s is no copy of the damaged journal: %v", aside[0], err)
		}
	}
}

func TestDamagedSnapshotIsNotTakenForNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, Config{Dir: dir})
	push(t, clientOf(t, s), "a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files := filesOf(t, dir)
	for name, data := range files {
		if strings.HasPrefix(name, "snapshot") {
			data[len(data)/2] ^= 1
		}
	}
	writeFiles(t, dir, files)
	if s, err := Open(t.Context(), Config{Dir: dir}, slog.New(slog.DiscardHandler)); !errors.Is(err, errMalformed) {
		t.Errorf("Open = %v, %v; want %v", s, err, errMalformed)
	}
	if diff := cmp.Diff(files, filesOf(t, dir)); diff != "" {
		t.Errorf("files changed: %s", diff)
	}
}

// TestKilledWhileASnapshotReplacesAJournal tests the files at each moment of a change of numbers.
func TestKilledWhileASnapshotReplacesAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, Config{Dir: dir})
	c := clientOf(t, s)
	push(t, c, "a", "b")
	before := filesOf(t, dir) // snapshot-1, journal-1
	if err := s.rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := filesOf(t, dir) // snapshot-2, journal-2
	push(t, c, "c")
	after := filesOf(t, dir)
	snapshot, journal := "snapshot-000000000002", "journal-000000000002"
	for name, moment := range map[string]struct {
		files []map[string][]byte
		want  []string
	}{
		"before":                                  {[]map[string][]byte{before}, []string{"a", "b"}},
		"journal being made":                      {[]map[string][]byte{before, {journal: fresh[journal][:3]}}, []string{"a", "b"}},
		"journal made":                            {[]map[string][]byte{before, {journal: fresh[journal]}}, []string{"a", "b"}},
		"journal used":                            {[]map[string][]byte{before, {journal: after[journal]}}, []string{"a", "b", "c"}},
		"snapshot being written":                  {[]map[string][]byte{before, {journal: after[journal], "snapshot.tmp": after[snapshot][:30]}}, []string{"a", "b", "c"}},
		"snapshot there, older files too":         {[]map[string][]byte{before, after}, []string{"a", "b", "c"}},
		"older snapshot removed":                  {[]map[string][]byte{{"journal-000000000001": before["journal-000000000001"]}, after}, []string{"a", "b", "c"}},
		"after":                                   {[]map[string][]byte{after}, []string{"a", "b", "c"}},
		"snapshot damaged, older files there":     {[]map[string][]byte{before, after, {snapshot: after[snapshot][:30]}}, []string{"a", "b", "c"}},
		"half a record at the end of the first":   {[]map[string][]byte{before, {"journal-000000000001": append(slices.Clone(before["journal-000000000001"]), 9, 0, 0)}, {journal: after[journal]}}, []string{"a", "b", "c"}},
		"a journal of a number that was skipped ": {[]map[string][]byte{before, {"journal-000000000003": after[journal]}}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, moment.files...)
			for range 2 {
				if got := listIn(t, dir); !slices.Equal(got, moment.want) {
					t.Errorf("list = %q, want %q", got, moment.want)
				}
			}
		})
	}
}

func TestBreakDownIsNotRepeated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, Config{Dir: dir})
	c := clientOf(t, s)
	push(t, c, "a")
	s.mu.Lock()
	s.engine.before = nil // accepts what makes miniredis panic
	s.mu.Unlock()
	s.doAll(io.Discard, false, nil, [][]string{{"RPUSH", "list", "b"}, {"KEYS", "[z-a]"}})
	<-s.Done()
	if s.Err() == nil {
		t.Error("Err is nil")
	}
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("a server that broke down answers")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := listIn(t, dir); !slices.Equal(got, []string{"a"}) {
		t.Errorf("list = %q", got)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	_, files, _ := killed(t, "a")
	dir := t.TempDir()
	writeFiles(t, dir, files)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{Dir: dir}, slog.New(slog.DiscardHandler)); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v", err)
	}
	if got := listIn(t, dir); !slices.Equal(got, []string{"a"}) {
		t.Errorf("list = %q", got)
	}
}
