package console

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"mixduck/internal/fault"
)

// The formats of answers. Rows is for programs that display them: a line {"columns":[{"name":…,"type":…}]}, then one
// JSON array of texts and nulls per row.
const (
	FormatTable = "table"
	FormatPlain = "plain"
	Rows        = "rows"
	parquet     = "parquet"
	arrow       = "arrow"
)

// usualRows is the default number of rows in a table.
const usualRows = 1000

// ResultFlags say how to output an answer.
type ResultFlags struct {
	Format   *Choice
	output   string
	force    bool
	quiet    bool
	limit    int64
	timeout  time.Duration
	lockWait time.Duration
	flags    *pflag.FlagSet // nil if the program sets limit
}

// AddOutput adds flags for the destination and format of an answer.
func (f *ResultFlags) AddOutput(flags *pflag.FlagSet) {
	f.Format = &Choice{Value: FormatTable, Allowed: []string{FormatTable, FormatPlain, FormatJSON, "jsonl", "csv", parquet, arrow}}
	flags.Var(f.Format, "format", "output format")
	flags.StringVar(&f.output, "output", "", "write to `file`, which appears once it is complete")
	flags.BoolVar(&f.force, "force", false, "overwrite an existing output file")
	flags.BoolVar(&f.quiet, "quiet", false, "print only errors to stderr")
}

// Add adds these flags, and those that limit the work.
func (f *ResultFlags) Add(flags *pflag.FlagSet) {
	f.AddOutput(flags)
	f.flags = flags
	flags.Int64Var(&f.limit, "limit", 0, "maximum number of `rows`, 0 for all (default: 1000 for tables, else all)")
	flags.DurationVar(&f.timeout, "timeout", 0, "cancel the query after this `duration`")
	flags.DurationVar(&f.lockWait, "lock-wait", 0, "wait up to this `duration` while another program writes to the database")
}

// apply sets the fields of the question from the flags.
func (f *ResultFlags) apply(q *Question, stdout io.Writer) error {
	q.Format, q.Limit, q.Timeout, q.LockWait = f.content(), f.limit, f.timeout, f.lockWait
	if f.Format.Value == FormatTable && f.flags != nil && !f.flags.Changed("limit") {
		q.Limit = usualRows
	}
	if f.limit < 0 {
		return fault.Usage("--limit 0 for all rows", "--limit must not be negative, got %d", f.limit)
	}
	if f.timeout < 0 || f.lockWait < 0 {
		return fault.Usage("--timeout 30s", "--timeout and --lock-wait must not be negative")
	}
	return f.Check(stdout)
}

// Check rejects impossible outputs before any work is done.
func (f *ResultFlags) Check(stdout io.Writer) error {
	if f.output == "" {
		if _, terminal := TerminalWidth(stdout); terminal && f.Binary() {
			return fault.Usage("add --output FILE, or pipe the output to a program", "%s is a binary format", f.Format.Value)
		}
		return nil
	}
	if _, err := os.Lstat(f.output); err == nil && !f.force {
		return fault.New(fault.CodeExists, "add --force to replace it", "%s exists", f.output)
	}
	if info, err := os.Stat(filepath.Dir(f.output)); err != nil || !info.IsDir() {
		return fault.Usage("create the directory first", "directory %s does not exist", filepath.Dir(f.output))
	}
	return nil
}

// Binary reports whether the answer is not text.
func (f *ResultFlags) Binary() bool { return f.Format.Value == parquet || f.Format.Value == arrow }

// content returns the format to request from the backend.
func (f *ResultFlags) content() string {
	if f.Format.Value == FormatTable || f.Format.Value == FormatPlain {
		return Rows
	}
	return f.Format.Value
}

// write calls fn with the destination of the answer. A file appears only if fn succeeds. A closed pipe is not an
// error.
func (f *ResultFlags) write(stdout io.Writer, fn func(io.Writer) error) error {
	if f.output == "" {
		if err := fn(stdout); err != nil && !errors.Is(err, syscall.EPIPE) {
			return err
		}
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.output), "."+filepath.Base(f.output)+"-*")
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	defer os.Remove(tmp.Name())                                           // no effect after the file got its name
	err = errors.Join(fn(tmp), tmp.Chmod(0o644), tmp.Sync(), tmp.Close()) // on disk before it gets its name
	if err != nil {
		return err
	}
	return f.place(tmp.Name())
}

// place gives a complete file its name.
func (f *ResultFlags) place(tmp string) error {
	if f.force {
		return os.Rename(tmp, f.output)
	}
	err := os.Link(tmp, f.output) // unlike rename, this does not replace a file created in the meantime
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.CodeExists, "add --force to replace it", "%s exists", f.output)
	}
	if err != nil { // the file system does not support links
		return os.Rename(tmp, f.output)
	}
	return nil
}
