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
	"syscall"
	"time"

	"mixduck/internal/cage"
	"mixduck/storage"
)

// Launcher says how to start the process that runs [Child].
type Launcher struct {
	Exe    string    // path of the program; it must be in a system directory for programs, or need no libraries from elsewhere
	Args   []string  // arguments that make it call Child
	Env    []string  // its whole environment, except what Run adds
	Stdout io.Writer // for results without Request.Output; nil discards them
}

// killTime is how long a writer may take for the output of a killed child.
const killTime = 200 * time.Millisecond

// Run runs a query. It returns when the query's process has ended and Launcher.Stdout has taken its output. If ctx
// ends, it returns at once with its cause. It first waits for a running load, and while it reads no load begins.
//
// Request.Output appears when the result is complete, and replaces an existing file. If Run fails, a part of the
// result may have been written to Launcher.Stdout. Errors: [storage.ErrLocked], [storage.ErrNotFound], those of this
// package, and [fault.CodeUsage] with DuckDB's message for SQL that is wrong or not allowed.
func Run(ctx context.Context, launch Launcher, req Request) (res Result, err error) {
	if err := req.validate(); err != nil {
		return Result{}, err
	}
	switch {
	case req.InMemory:
	case req.Snapshot:
		if req.Database, err = filepath.EvalSymlinks(req.Database); err != nil {
			return Result{}, err
		}
	default:
		share, err := storage.NewShare(ctx, req.Database, req.LockWait)
		if err != nil {
			return Result{}, err
		}
		defer share.Release()
		req.Database = share.Path()
	}
	dir, err := req.makeDir()
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	res, err = launch.start(ctx, task{Request: req, Dir: dir})
	if err != nil || req.Output == "" {
		return res, err
	}
	return res, os.Rename(filepath.Join(dir, resultName), req.Output)
}

// makeDir creates the directory of one query.
func (r *Request) makeDir() (dir string, err error) {
	parent := r.TempDir
	switch {
	case parent != "":
	case r.Output != "":
		parent = filepath.Dir(r.Output)
	default:
		parent = os.TempDir()
	}
	if parent, err = filepath.Abs(parent); err != nil {
		return "", err
	}
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(parent, ".query-*"); err != nil {
		return "", err
	}
	err = os.Mkdir(filepath.Join(dir, spillName), 0o700)
	if err == nil && r.Format == Parquet {
		err = syscall.Mkfifo(filepath.Join(dir, pipeName), 0o600)
	}
	if err != nil {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return dir, err
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
	out, err := newOutput(l.Stdout)
	if err != nil {
		return Result{}, err
	}
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	if out.child != nil {
		cmd.Stdout = out.child
	}
	p, err := cage.Start(cmd)
	out.started()
	if err != nil {
		return Result{}, fmt.Errorf("start the query's process: %w", err)
	}
	// If memory runs out, the kernel should choose this process, not the one that loads. Without the file this is not
	// possible.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), []byte("1000"), 0)
	err = p.Wait()
	if outErr := out.wait(ctx); err == nil {
		err = outErr
	}
	r := parseReply(stderr.bytes)
	switch {
	case r != nil && r.Error != nil && ctx.Err() == nil:
		return Result{}, r.Error.Err(sentinels())
	case r != nil && r.Result != nil && err == nil:
		return *r.Result, nil
	}
	return Result{}, explainEnd(ctx, err, stderr.bytes)
}

// file returns the task as a file, because the child reads it twice; see [cage.Enter].
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

// tail keeps the end of what is written to it, at least tailBytes.
type tail struct{ bytes []byte }

const tailBytes = 8 << 20 // a reply has the names of all columns, and a name can be as long as a statement

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if n := len(t.bytes) - tailBytes; n > tailBytes {
		t.bytes = append(t.bytes[:0], t.bytes[n:]...)
	}
	return len(p), nil
}
