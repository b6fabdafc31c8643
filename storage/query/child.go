package query

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/zeebo/xxh3"

	"mixduck/internal/cage"
	"mixduck/storage"
	"mixduck/storage/internal/remote"
)

// Child is the process that [Run] starts. A binary that calls Run has a hidden command that calls Child with its
// standard streams and exits with the result. Child locks its process in a cage, for which it starts the program
// again, so do not call it in any other process.
func Child(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) int {
	began := time.Now()
	var r reply
	res, err := serve(ctx, stdin, stdout)
	if err != nil {
		r.Error = remote.NewFailure(err, sentinels())
	} else {
		res.Took = time.Since(began)
		r.Result = &res
	}
	if json.NewEncoder(stderr).Encode(r) != nil || err != nil {
		return 1
	}
	return 0
}

func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) (Result, error) {
	var t task
	if err := json.NewDecoder(stdin).Decode(&t); err != nil {
		return Result{}, fmt.Errorf("read the query: %w", err)
	}
	if file, ok := stdin.(io.Seeker); ok { // it is read again, see Enter
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return Result{}, err
		}
	}
	report, err := cage.Enter(cage.Config{
		Read:      t.files(),
		Write:     []string{t.Dir},
		Memory:    t.maxMemory(),
		FileBytes: t.maxFileBytes(),
		OpenFiles: 256,
	})
	if err != nil {
		return Result{}, err
	}
	res, err := t.run(ctx, stdout)
	res.Unprotected = report
	return res, err
}

// databaseFiles returns the files of a database.
func databaseFiles(path string) []string {
	files, _ := storage.LogFiles(path) // the pattern is valid
	return append(files, path)
}

// files returns the files that the process may read.
func (t *task) files() []string {
	if t.InMemory {
		return nil
	}
	return databaseFiles(t.Database)
}

// config returns how to open the database.
func (t *task) config() storage.Config {
	cfg := storage.Config{MemoryLimit: t.MemoryLimit, Threads: t.Threads}
	if t.InMemory {
		cfg.Mode = storage.InMemory
		return cfg
	}
	cfg.Path, cfg.ReadOnly, cfg.Shared, cfg.LockWait = t.Database, true, true, t.LockWait
	return cfg
}

// maxMemory limits what DuckDB uses in addition to the memory that it counts: texts and lists of a function call,
// buffers of formats, memory of threads. The value comes from experience.
func (t *task) maxMemory() int64 { return t.MemoryLimit*3/2 + 500e6 }

// maxFileBytes limits each file if all other limits fail; 0 means no limit.
func (t *task) maxFileBytes() int64 {
	if t.MaxResultBytes == 0 {
		return 0
	}
	return max(t.MaxTempBytes, t.MaxResultBytes)
}

// run reads the database. User SQL is checked before any data is opened.
func (t *task) run(ctx context.Context, stdout io.Writer) (Result, error) {
	r := &reader{task: t}
	if t.SQL != "" {
		var err error
		if r.gate, err = newGate(ctx); err != nil {
			return Result{}, err
		}
		defer r.gate.close()
		if r.statement, err = r.gate.check(ctx, t.SQL); err != nil {
			return Result{}, err
		}
		r.statement.params, r.statement.values, r.statement.unbound = t.Params, t.Values, t.Describe
	}
	engine, err := storage.Open(ctx, t.config())
	if err != nil {
		return Result{}, err
	}
	defer engine.Close()
	if r.session, err = engine.Session(); err != nil {
		return Result{}, err
	}
	defer r.session.Close()
	err = t.lockDown(r.session)
	if err == nil && t.Inspect != nil {
		r.statement, err = t.Inspect.statement(r.session, t.Database)
	}
	if err == nil && r.gate != nil {
		err = r.statement.createMacros(r.session)
	}
	if err == nil {
		err = r.answer(ctx, stdout)
	}
	return r.res, sqlFault(r.session, err)
}

// lockDown disables what can do harm in DuckDB, as far as it allows that.
func (t *task) lockDown(s *storage.Session) error {
	for _, set := range []string{
		"preserve_insertion_order = true", // the same query returns the same rows
		"temp_directory = " + literal(filepath.Join(t.Dir, spillName)),
		fmt.Sprintf("max_temp_directory_size = '%d bytes'", t.MaxTempBytes),
		"allow_persistent_secrets = false",
		"allowed_directories = [" + literal(t.Dir) + "]",
		"enable_external_access = false",
		"lock_configuration = true",
	} {
		if err := s.Exec("SET " + set); err != nil {
			return err
		}
	}
	return nil
}

// output returns the destination of the result, and a function to call at the end.
func (t *task) output(stdout io.Writer) (io.Writer, func() error, error) {
	if t.Output == "" {
		return stdout, func() error { return nil }, nil
	}
	f, err := os.OpenFile(filepath.Join(t.Dir, resultName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// bounded is a writer with a maximum number of bytes.
type bounded struct {
	w             io.Writer
	left, written int64
	sum           *xxh3.Hasher // of the written bytes
}

// rewind takes back what was written, if that is possible.
func (b *bounded) rewind() bool {
	if b.written == 0 {
		return true
	}
	f, ok := b.w.(*os.File)
	if !ok || f.Truncate(0) != nil {
		return false
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	b.left, b.written = b.left+b.written, 0
	b.sum.Reset()
	return true
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		return 0, ErrTooLarge
	}
	n, err := b.w.Write(p)
	b.left -= int64(n)
	b.written += int64(n)
	_, _ = b.sum.Write(p[:n]) // hashes return no errors
	return n, err
}
