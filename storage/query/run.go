package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"mixduck/internal/cage"
	"mixduck/internal/fault"
	"mixduck/storage"
)

// Launcher says how to start the process that runs [Child].
type Launcher struct {
	Exe    string    // path of the program; it has to be installed where programs are, or to need no libraries from elsewhere
	Args   []string  // that make it call Child
	Env    []string  // all that it has of an environment, besides what Run sets
	Stdout io.Writer // where results go that have no Request.Output; nil discards them
}

// killTime is how long the pipes of a killed child are waited for.
const killTime = 200 * time.Millisecond

// Run runs one query and returns when its process has ended, which is at once if ctx ends – then the error is its cause – and
// Launcher.Stdout has taken what it wrote. While a load is under way it waits for it first, and while it reads no load begins.
//
// Request.Output appears when the result is complete, in the place of what was there. Of a result for Launcher.Stdout a part may
// have been written when Run fails. Errors: [storage.ErrLocked], [storage.ErrNotFound], those of this package, and SQL that is
// wrong or not allowed with [fault.CodeUsage] and what DuckDB says of it.
func Run(ctx context.Context, launch Launcher, req Request) (res Result, err error) {
	if err := req.validate(); err != nil {
		return Result{}, err
	}
	share, err := storage.NewShare(ctx, req.Database, req.LockWait)
	if err != nil {
		return Result{}, err
	}
	defer share.Release()
	dir, err := req.makeDir()
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	req.Database = share.Path()
	res, err = launch.start(ctx, task{Request: req, Dir: dir})
	if err != nil || req.Output == "" {
		return res, err
	}
	return res, os.Rename(filepath.Join(dir, resultName), req.Output)
}

// makeDir makes the directory that belongs to one query.
func (r *Request) makeDir() (string, error) {
	parent := r.TempDir
	if parent == "" && r.Output != "" {
		parent = filepath.Dir(r.Output)
	}
	dir, err := os.MkdirTemp(parent, ".query-*")
	if err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if err := syscall.Mkfifo(filepath.Join(dir, pipeName), 0o600); err != nil {
		return "", err
	}
	return dir, os.Mkdir(filepath.Join(dir, spillName), 0o700)
}

// start runs the child to its end.
func (l *Launcher) start(ctx context.Context, t task) (Result, error) {
	stdin, err := t.file()
	if err != nil {
		return Result{}, err
	}
	defer stdin.Close()
	var stderr tail
	cmd := exec.CommandContext(ctx, l.Exe, l.Args...)
	cmd.Env = append([]string{"TZ=UTC", "GOTRACEBACK=none"}, l.Env...)
	cmd.Dir = t.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, l.Stdout, &stderr
	cmd.WaitDelay = killTime
	p, err := cage.Start(cmd)
	if err != nil {
		return Result{}, fmt.Errorf("start the query's process: %w", err)
	}
	// If memory gets scarce the kernel is to choose this process, not the one that loads. Without the file it cannot.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), []byte("1000"), 0)
	err = p.Wait()
	r := parseReply(stderr.bytes)
	switch {
	case r != nil && r.Error != nil && ctx.Err() == nil:
		return Result{}, r.Error.err()
	case r != nil && r.Result != nil && err == nil:
		return *r.Result, nil
	}
	return Result{}, explainEnd(ctx, err, stderr.bytes)
}

// file returns the task as a file, for the child reads it twice; see [cage.Enter].
func (t *task) file() (*os.File, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(t.Dir, "task")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// databaseFiles are the files of a database: DuckDB keeps what it has not yet put into the file itself in others beside it.
func databaseFiles(path string) []string {
	files, err := filepath.Glob(escapeGlob(path) + ".wal*")
	if err != nil {
		files = nil // the pattern is good
	}
	return append(files, path)
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// tail keeps the end of what is written to it.
type tail struct{ bytes []byte }

const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if n := len(t.bytes) - tailBytes; n > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[n:]...)
	}
	return len(p), nil
}

// The bounds of a request.
const (
	defaultMemoryLimit = 1e9
	minMemoryLimit     = 100e6
	defaultTempBytes   = 16e9
)

// validate checks r and fills in what it leaves open.
func (r *Request) validate() error {
	if r.Format == "" {
		r.Format = Rows
	}
	if r.MemoryLimit == 0 {
		r.MemoryLimit = defaultMemoryLimit
	}
	if r.MaxTempBytes == 0 {
		r.MaxTempBytes = defaultTempBytes
	}
	switch {
	case r.Database == "":
		return fault.Usage("give Request.Database", "a query needs a database")
	case (r.SQL == "") == (r.Inspect == nil):
		return fault.Usage("give one of them", "a query needs SQL, or the name of a question")
	case r.Inspect != nil && len(r.Params) > 0:
		return fault.Usage("leave them out", "only SQL has parameters")
	case r.Limit < 0 || r.Threads < 0 || r.MaxTempBytes < 0 || r.MaxResultBytes < 0:
		return fault.Usage("0 means no bound, or the default", "a bound cannot be negative")
	case r.MemoryLimit < minMemoryLimit:
		return fault.Usage("give it 100 MB at least", "DuckDB does not run in %d bytes of memory", r.MemoryLimit)
	}
	switch r.Format {
	case Rows, CSV, JSON, JSONL, Parquet, Arrow:
		return checkText(r.SQL)
	}
	return fault.Usage("choose rows, csv, json, jsonl, parquet or arrow", "%q is no format", r.Format)
}
