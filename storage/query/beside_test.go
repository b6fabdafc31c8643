package query_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/storage"
	"mixduck/storage/query"
)

const (
	readersEach  = 4   // loops that read in each process
	besideRows   = 200 // per load, which is a day
	besideLoads  = 12
	besideStates = 5 // minimum that each reader must see
)

// besidePatience is how long a process waits for its turn before it reports starvation.
const besidePatience = 2 * time.Minute

// readersMain reads the rows in loops until its standard input ends, and prints each result with the number of its
// loop.
func readersMain(path, exe string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	errs := make(chan error, readersEach)
	for i := range readersEach {
		go func() {
			for ctx.Err() == nil {
				var out bytes.Buffer
				launch := query.Launcher{Exe: exe, Env: []string{childRole + "=child"}, Stdout: &out}
				_, err := query.Run(context.Background(), launch, query.Request{
					Database: path, Format: query.CSV, LockWait: besidePatience,
					SQL: "SELECT count(*), count(DISTINCT day), any_value((SELECT row_count FROM _metadata)) FROM events",
				})
				if err != nil {
					errs <- err
					return
				}
				_, row, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
				fmt.Printf("%d,%s\n", i, row)
			}
			errs <- nil
		}()
	}
	var err error
	for range readersEach {
		err = errors.Join(err, <-errs)
	}
	return err
}

// readers is a process with readers, and what they have seen.
type readers struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed at the end of its output

	mu     sync.Mutex
	last   [readersEach]int // days
	states [readersEach]int // how often the number of days increased
	wrong  []string
}

func startReaders(tb testing.TB, path string) *readers {
	tb.Helper()
	exe := childExe
	if exe == "" {
		exe = self(tb)
	}
	r := &readers{cmd: exec.Command(self(tb), path, exe), ended: make(chan struct{})}
	r.cmd.Env = []string{childRole + "=readers", "TMPDIR=" + tb.TempDir()}
	stdin, errIn := r.cmd.StdinPipe()
	stdout, errOut := r.cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, r.cmd.Start()); err != nil {
		tb.Fatal(err)
	}
	r.stdin = stdin
	go func() {
		defer close(r.ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			r.take(lines.Text())
		}
	}()
	tb.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
		_ = r.cmd.Wait()
	})
	return r
}

// take checks a result: it must contain complete loads, and no fewer than the previous result.
func (r *readers) take(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var reader, rows, days, known int
	_, err := fmt.Sscanf(line, "%d,%d,%d,%d", &reader, &rows, &days, &known)
	if err != nil || rows != days*besideRows || known != rows || days < r.last[reader] {
		r.wrong = append(r.wrong, line)
		return
	}
	if days > r.last[reader] {
		r.last[reader] = days
		r.states[reader]++
	}
}

// served reports whether each reader has seen enough, or an error.
func (r *readers) served() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.states {
		if n < besideStates && len(r.wrong) == 0 {
			return false
		}
	}
	return true
}

// stop lets the readers finish their current reads.
func (r *readers) stop(tb testing.TB) {
	tb.Helper()
	r.stdin.Close()
	<-r.ended
	if err := r.cmd.Wait(); err != nil || len(r.wrong) > 0 {
		tb.Errorf("readers: %v, not whole loads in their order, or no answer: %q", err, r.wrong)
	}
}

// loadDay stores day n, like a worker.
func loadDay(tb testing.TB, path string, n int) {
	tb.Helper()
	e, err := storage.Open(tb.Context(), storage.Config{Path: path, LockWait: besidePatience})
	if err != nil {
		tb.Fatal(err)
	}
	d := day.Of(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) + day.Day(n)
	var lines strings.Builder
	for i := range besideRows {
		fmt.Fprintf(&lines, `{"event":"e","properties":{"time":%d,"distinct_id":"u","$insert_id":"%d"}}`+"\n", int(d)*86400, i)
	}
	_, err = e.Load(tb.Context(), storage.Window{
		Table: "events", Days: day.Range{From: d, To: d}, Parts: []io.Reader{strings.NewReader(lines.String())}, Job: "job-1", Bytes: 1, Hash: "h",
		FetchedAt: (d + 7).Start(time.UTC), DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
	})
	if err := errors.Join(err, e.Close()); err != nil {
		tb.Fatal(err)
	}
}

// Eight readers in loops, in two processes, do not starve a writer; it does not starve them, and no reader is
// rejected.
func TestReadersInLoopsBesideAWriter(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	loadDay(t, path, 0)
	both := []*readers{startReaders(t, path), startReaders(t, path)}
	for n := 1; n <= besideLoads || !both[0].served() || !both[1].served(); n++ {
		loadDay(t, path, n)
	}
	for _, r := range both {
		r.stop(t)
	}
}
