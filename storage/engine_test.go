package storage_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

func TestEphemeralIsGoneAfterClose(t *testing.T) {
	t.Parallel()
	e := open(t, storage.Config{Mode: storage.Ephemeral})
	path := e.Path()
	prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("directory of the ephemeral database: %v, want it to be gone", err)
	}
}

func TestInMemory(t *testing.T) {
	t.Parallel()
	e := open(t, storage.Config{Mode: storage.InMemory})
	other := open(t, storage.Config{Mode: storage.InMemory})
	prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	top, err := e.TopEvents(t.Context(), "events", span(0, 1), 5)
	if err != nil || e.Path() != "" {
		t.Fatalf("TopEvents: %v; path %q", err, e.Path())
	}
	want(t, "events", top, []storage.EventCount{{Name: "e", Rows: 10}})
	if _, err := other.TopEvents(t.Context(), "events", span(0, 1), 5); err == nil {
		t.Error("two databases in memory share a table")
	}
}

func TestManyDatabasesInMemory(t *testing.T) {
	t.Parallel()
	for range 2 {
		var engines []*storage.Engine
		for range 12 {
			e := open(t, storage.Config{Mode: storage.InMemory, Threads: 1})
			prepare(t, e, storage.Table{Name: "events", Create: true, Job: "job-0"})
			engines = append(engines, e)
		}
		for _, e := range engines {
			closeEngine(t, e)
		}
	}
	if left, err := filepath.Glob("*:memory:*"); err != nil || left != nil {
		t.Errorf("databases in memory left files behind: %v, %v", left, err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, e)
	reader := open(t, storage.Config{Path: path, ReadOnly: true})
	_, errLoad := reader.Load(t.Context(), window(span(0, 1), events(first, 1, "b")))
	_, errPrepare := reader.Prepare(t.Context(), storage.Table{Name: "other"})
	for what, err := range map[string]error{"Load": errLoad, "Prepare": errPrepare, "Swap": reader.Swap(t.Context(), "events", 0)} {
		if !errors.Is(err, storage.ErrReadOnly) || fault.HintOf(err) == "" {
			t.Errorf("%s = %v, want %v", what, err, storage.ErrReadOnly)
		}
	}
	c, err := reader.Coverage(t.Context(), "events", span(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "coverage", c, []storage.Coverage{{Day: first, State: storage.Complete, Rows: 10, FetchedAt: now, Job: "job-1"}})
}

func TestNothingToRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "x.db"), filepath.Join(dir, "no", "directory", "x.db")} {
		_, err := storage.Open(t.Context(), storage.Config{Path: path, ReadOnly: true})
		missing, ok := errors.AsType[*storage.NotFoundError](err)
		if !ok || missing.Path != path || !errors.Is(err, storage.ErrNotFound) || fault.CodeOf(err) != fault.CodeNotFound || fault.HintOf(err) == "" {
			t.Errorf("error = %v, want %v with a hint", err, storage.ErrNotFound)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("looking for a database left %v behind", left)
	}
}

func TestDirectoryIsMade(t *testing.T) {
	t.Parallel()
	open(t, storage.Config{Path: filepath.Join(t.TempDir(), "a", "b", "x.db")})
}

func TestCloseTwiceAndUseAfterwards(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]storage.Config{
		"persistent": {Path: filepath.Join(t.TempDir(), "x.db")}, "ephemeral": {Mode: storage.Ephemeral}, "in memory": {Mode: storage.InMemory},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, cfg)
			closeEngine(t, e)
			closeEngine(t, e)
			_, errPrepare := e.Prepare(t.Context(), storage.Table{Name: "events"})
			_, errLoad := e.Load(t.Context(), window(span(0, 1)))
			_, errCoverage := e.Coverage(t.Context(), "events", span(0, 1))
			_, errTop := e.TopEvents(t.Context(), "events", span(0, 1), 1)
			for _, err := range []error{errPrepare, errLoad, errCoverage, errTop, e.Swap(t.Context(), "events", 0)} {
				if !errors.Is(err, storage.ErrClosed) {
					t.Errorf("error = %v, want %v", err, storage.ErrClosed)
				}
			}
		})
	}
}

func TestEnginesShareAFile(t *testing.T) {
	t.Parallel()
	a, path := newFile(t)
	b := open(t, storage.Config{Path: path})
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	c := open(t, storage.Config{Path: link})
	load(t, a, window(span(0, 1), events(first, 10, "a")))
	closeEngine(t, a)
	closeEngine(t, a) // releases only its own share
	load(t, b, window(span(1, 1), events(first+1, 20, "b")))
	closeEngine(t, b)
	if _, err := b.Coverage(t.Context(), "events", span(0, 2)); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Coverage of a closed engine = %v, want %v", err, storage.ErrClosed)
	}
	all, err := c.Coverage(t.Context(), "events", span(0, 2))
	if err != nil || len(all) != 2 {
		t.Errorf("Coverage = %v, %v, want both days", all, err)
	}
	closeEngine(t, c)
	startChild(t, "writer", path).expect(t, "ready")
}

// Loads of two engines into one file run one after another.
func TestLoadsAtTheSameTime(t *testing.T) {
	t.Parallel()
	a, path := newFile(t)
	b := open(t, storage.Config{Path: path})
	done := make(chan error, 8)
	for i := range 8 {
		go func() {
			e := a
			if i%2 == 1 {
				e = b
			}
			_, err := e.Load(t.Context(), window(span(i, 1), events(first+span(i, 1).From-first, 2000, "a")))
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	closeEngine(t, a)
	closeEngine(t, b)
	want(t, "days and rows", query(t, path, "SELECT count(DISTINCT day), count(*) FROM events"), []string{"8|16000"})
}

// held is a reader that waits before its end.
type held struct {
	text    []byte
	reached chan<- struct{}
	release <-chan struct{}
}

func (h *held) Read(p []byte) (int, error) {
	if len(h.text) > 0 {
		n := copy(p, h.text)
		h.text = h.text[n:]
		return n, nil
	}
	h.reached <- struct{}{}
	<-h.release
	return 0, errBroken
}

// Close waits for a running load before it lets others in.
func TestCloseDuringALoad(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	reached, release := make(chan struct{}), make(chan struct{})
	w := window(span(0, 1))
	w.Parts = []io.Reader{&held{text: []byte(events(first, 10, "a")), reached: reached, release: release}}
	loaded, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := e.Load(t.Context(), w)
		loaded <- err
	}()
	<-reached
	go func() { closed <- e.Close() }()
	other := startChild(t, "writer", path)
	if !other.lines.Scan() || other.lines.Text() == "ready" {
		t.Errorf("another process said %q while a load was under way", other.lines.Text())
	}
	close(release)
	if err := <-loaded; !errors.Is(err, errBroken) {
		t.Errorf("Load = %v, want %v", err, errBroken)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	startChild(t, "writer", path).expect(t, "ready")
}

func TestConfigProblems(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	for name, cfg := range map[string]storage.Config{
		"no path":                   {},
		"an ephemeral path":         {Path: path, Mode: storage.Ephemeral},
		"a path in memory":          {Path: path, Mode: storage.InMemory},
		"read-only in memory":       {Mode: storage.InMemory, ReadOnly: true},
		"a question mark":           {Path: path + "?access_mode=automatic"},
		"a hash":                    {Path: path + "#1"},
		"a percent sign":            {Path: path + "%20"},
		"a newline":                 {Path: path + "\n"},
		"another database's log":    {Path: path + ".wal"},
		"another database's lock":   {Path: path + ".LOCK", ReadOnly: true},
		"another database's files":  {Path: filepath.Join(path+".tmp", "y.db")},
		"a NUL":                     {Path: path + "\x00"},
		"a question mark in memory": {Path: "?", Mode: storage.InMemory},
	} {
		if e, err := storage.Open(t.Context(), cfg); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
			t.Errorf("%s: Open = %v, %v, want a usage error with a hint", name, e, err)
		}
	}
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "ä😀.db", "a'b.db", `a"b.db`, "a;b=c&d.db", ":memory:", "md:x.db", "x.parquet", "no-extension"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			e := open(t, storage.Config{Path: path})
			prepare(t, e, storage.Table{Name: "events", Job: "job-0"})
			load(t, e, window(span(0, 1), events(first, 10, "a")))
			closeEngine(t, e)
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenWithAnEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "x.db")
	if e, err := storage.Open(ctx, storage.Config{Path: path}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, %v, want %v", e, err, context.Canceled)
	}
	open(t, storage.Config{Path: path}) // nothing is left locked
}
