package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"mixduck/storage"
)

const mib = 1 << 20

// padded returns an event with a line of n bytes, including its newline.
func padded(second int, insertID string, n int) string {
	short := event(first, second, insertID, `,"pad":""`)
	return event(first, second, insertID, `,"pad":"`+strings.Repeat("x", n-len(short))+`"`)
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		sizes []int // of lines
	}{
		{"a line as long as a block", []int{mib}},
		{"a line that is longer by one byte", []int{mib + 1}},
		{"a line of 5 MiB among short ones", []int{300, 5 * mib, 300}},
		{"long lines one after the other", []int{5 * mib, 7 * mib, 300, 3*mib + 5, mib, mib - 1, 6 * mib, mib + 1, 2*mib + 1}},
		{"a line of 16 MiB", []int{300, 16 * mib, 9 * mib, 300}},
		{"a line of 32 MiB", []int{32 * mib, 300}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			var lines, sizes []string
			for i, n := range tt.sizes {
				line := padded(i, strconv.Itoa(i), n)
				lines = append(lines, line)
				sizes = append(sizes, fmt.Sprintf("%d|%d", i, len(line)-len(`{"event":"e","properties":}`+"\n")))
			}
			r := load(t, e, window(span(0, 1), lines...))
			if r.Rows != int64(len(tt.sizes)) || r.Quarantined != 0 {
				t.Fatalf("receipt = %+v, want %d rows", r, len(tt.sizes))
			}
			closeEngine(t, e)
			want(t, "insert_id and bytes", query(t, path, "SELECT insert_id, strlen(properties) FROM events ORDER BY event_time"), sizes)
		})
	}
}

// DuckDB needs several times the memory of the longest value.
func TestLineOfTheGreatestLength(t *testing.T) {
	t.Parallel()
	e := open(t, storage.Config{Path: filepath.Join(t.TempDir(), "x.db"), MemoryLimit: 2 << 30})
	prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
	if r := load(t, e, window(span(0, 1), padded(1, "long", 64*mib), event(first, 2, "short"))); r.Rows != 2 {
		t.Errorf("receipt = %+v, want 2 rows", r)
	}
}

func TestLineBeyondTheLimit(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), event(first, 1, "old")))
	w := window(span(0, 1))
	w.Parts = []io.Reader{io.MultiReader(strings.NewReader(event(first, 1, "new")), strings.NewReader(padded(2, "long", 64*mib+1)))}
	if _, err := e.Load(t.Context(), w); !errors.Is(err, storage.ErrLineTooLong) {
		t.Fatalf("error = %v, want %v", err, storage.ErrLineTooLong)
	}
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT insert_id FROM events"), []string{"old"})
}

// Wherever the stream is cut into reads, each line is returned once, complete, and with its number.
func TestLinesAcrossBlocks(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n", "\n\n", "\n\r\n"} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			random := rand.New(rand.NewPCG(1, 2))
			var text strings.Builder
			var numbers []string
			number := 1
			const rows = 12_000
			for i := range rows {
				if i%500 == 7 {
					fmt.Fprintf(&text, "bad %d%s", i, end)
					numbers = append(numbers, fmt.Sprintf("%d|bad %d", number, i))
				} else {
					text.WriteString(strings.TrimSuffix(padded(i, strconv.Itoa(i), 300+random.IntN(700)), "\n") + end)
				}
				number += strings.Count(end, "\n")
			}
			w := window(span(0, 1))
			w.Parts = []io.Reader{&uneven{r: strings.NewReader(text.String()), random: random}}
			r := load(t, e, w)
			bad := int64(len(numbers))
			want(t, "receipt", r, storage.Receipt{Days: w.Days, Lines: rows, Rows: rows - bad, Quarantined: bad, Bytes: 1, Hash: "h"})
			closeEngine(t, e)
			want(t, "numbers of the bad lines", query(t, path, "SELECT line_number, decode(line) FROM mixduck.quarantine ORDER BY line_number"), numbers)
			want(t, "distinct ids", query(t, path, "SELECT count(DISTINCT insert_id), count(*) FROM events"), []string{fmt.Sprintf("%d|%[1]d", rows-bad)})
		})
	}
}

// uneven reads a few bytes at a time, or many.
type uneven struct {
	r      io.Reader
	random *rand.Rand
}

func (u *uneven) Read(p []byte) (int, error) {
	return u.r.Read(p[:min(len(p), 1+u.random.IntN(200_000))])
}

func TestEmptyLines(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"nothing": "", "newlines": "\n\n\n", "carriage returns": "\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := newFile(t)
			if _, err := e.Load(t.Context(), window(span(0, 1), lines)); !errors.Is(err, storage.ErrEmpty) {
				t.Errorf("error = %v, want %v", err, storage.ErrEmpty)
			}
			w := window(span(0, 1), lines)
			w.AllowEmpty = true
			if r := load(t, e, w); r.Lines != 0 || r.Rows != 0 {
				t.Errorf("receipt = %+v, want no lines", r)
			}
		})
	}
}

var errBroken = errors.New("the reader broke")

func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	whole := events(first, 5000, "new")
	tests := []struct {
		name  string
		lines io.Reader
		want  error
	}{
		{"half a line", strings.NewReader(event(first, 1, "a")[:20]), storage.ErrNotWhole},
		{"text at the end", strings.NewReader(whole + "that is all\n"), storage.ErrNotWhole},
		{"text at the end of a long answer", strings.NewReader(strings.Repeat(whole, 3) + "that is all\n"), storage.ErrNotWhole},
		{"half a line at the end", strings.NewReader(whole + event(first, 1, "a")[:20]), storage.ErrNotWhole},
		{"an error at once", iotest.ErrReader(errBroken), errBroken},
		{"an error after whole lines", io.MultiReader(strings.NewReader(whole), iotest.ErrReader(errBroken)), errBroken},
		{"an error along with the last bytes", iotest.DataErrReader(io.MultiReader(strings.NewReader(whole), iotest.ErrReader(errBroken))), errBroken},
		{"an end that was not expected", io.MultiReader(strings.NewReader(whole), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		{"a wrapped end", io.MultiReader(strings.NewReader(whole), iotest.ErrReader(fmt.Errorf("cut: %w", io.EOF))), io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, path := newFile(t)
			load(t, e, window(span(0, 1), events(first, 100, "old")))
			w := window(span(0, 1))
			w.Parts, w.Job = []io.Reader{tt.lines}, "job-2"
			if _, err := e.Load(t.Context(), w); !errors.Is(err, tt.want) {
				t.Fatalf("error = %v, want %v", err, tt.want)
			}
			load(t, e, window(span(1, 1), events(first+1, 10, "next"))) // the engine still works
			closeEngine(t, e)
			want(t, "rows", counts(t, path), []string{"2026-11-01|100", "2026-11-02|10"})
			want(t, "old rows", query(t, path, "SELECT count(*) FROM events WHERE insert_id LIKE 'old-%'"), []string{"100"})
			want(t, "receipts", query(t, path, "SELECT DISTINCT job_id FROM mixduck.receipts"), []string{"job-1"})
		})
	}
}

// The last bytes and io.EOF can come together.
func TestEndAlongWithTheLastBytes(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	w := window(span(0, 1))
	w.Parts = []io.Reader{iotest.DataErrReader(bytes.NewReader([]byte(events(first, 10, "a"))))}
	if r := load(t, e, w); r.Rows != 10 {
		t.Errorf("receipt = %+v, want 10 rows", r)
	}
}

// DuckDB can have one thread, or more than there are blocks.
func TestThreads(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 8000 { // 8 blocks
		lines.WriteString(padded(i, strconv.Itoa(i), 1000))
	}
	for _, threads := range []int{1, 3, 32} {
		t.Run(strconv.Itoa(threads), func(t *testing.T) {
			t.Parallel()
			e := open(t, storage.Config{Path: filepath.Join(t.TempDir(), "x.db"), Threads: threads})
			prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
			for range 3 {
				w := window(span(0, 1), lines.String())
				w.Parts = []io.Reader{iotest.HalfReader(w.Parts[0])}
				if r := load(t, e, w); r.Rows != 8000 {
					t.Errorf("receipt = %+v, want 8,000 rows", r)
				}
			}
		})
	}
}
