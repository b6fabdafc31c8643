package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/volume"
	"mixduck/storage"
	"mixduck/storage/query"
)

const queryExample = `  mp query "SELECT event_name, count(*) FROM events GROUP BY ALL"
  mp query "FROM events WHERE properties->>'plan' = $p" --param p=pro
  mp query --question trend --param from=2026-01-01 --param to=2026-01-31
  mp query --path ./h1.db --file report.sql --format csv`

func (a *app) queryCommand() *cobra.Command {
	c := a.QueryCommand(queryExample, a.withReader, addPath)
	c.AddCommand(a.KnownQuestions("query", "mp", a.withAsker, noFlags)...)
	return c
}

// withReader implements [console.WithReader].
func (a *app) withReader(c *cobra.Command, use func(console.Reader) error) error {
	cfg, err := a.load(c)
	if err != nil {
		return err
	}
	path, err := databasePath(c, cfg)
	if err != nil {
		return err
	}
	zone := time.UTC
	if p, err := project(c, cfg); err == nil {
		zone = p.Location
	}
	return use(reader{path: path, memory: cfg.Query.MemoryLimit, volumes: cfg.Volumes, today: day.Of(a.Now().In(zone))})
}

// Snapshot implements [console.Reader].
func (r reader) Snapshot(context.Context) (*console.SnapshotFile, error) {
	s, err := r.snapshot()
	if err != nil || s == nil {
		return nil, err
	}
	return &console.SnapshotFile{Path: s.Path, TakenAt: s.TakenAt}, nil
}

// snapshot returns the snapshot that a worker has made of the file, nil if there is none or the file is in no volume.
func (r reader) snapshot() (*storage.Snapshot, error) {
	v, rel, ok := config.VolumeOf(r.volumes, r.path)
	if !ok {
		return nil, nil //nolint:nilnil // documented
	}
	path, err := volume.Snapshot(v.Dir, rel)
	if err != nil {
		return nil, err
	}
	return storage.ReadSnapshot(path)
}

// reader answers questions about a file, each in a separate process.
type reader struct {
	path   string // "" is an empty database
	memory int64

	volumes []config.Volume
	today   day.Day
	temp    string // for results; "" is the system's temporary directory
}

// Today implements [console.Reader].
func (r reader) Today(context.Context) (day.Day, error) { return r.today, nil }

// Read implements [console.Reader].
func (r reader) Read(ctx context.Context, q console.Question) (_ *console.Answer, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := newPrivate(r.temp) // not next to a database that stays, where people would find it
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, dir.remove())
		}
	}()
	if q.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, q.Timeout, fault.New(fault.CodeFailed,
			"increase --timeout, or simplify the query", "the query took longer than %s", q.Timeout))
		defer cancel()
	}
	request := query.Request{
		Database: r.path, InMemory: r.path == "", SQL: q.SQL, Params: q.Params, Format: query.Format(q.Format), Limit: q.Limit,
		Output: filepath.Join(dir.path, "rows"), MemoryLimit: r.memory, LockWait: q.LockWait,
	}
	if q.Inspect != "" {
		request.Inspect = &query.Inspect{Name: q.Inspect, Args: q.Args}
	}
	found, err := query.Run(ctx, query.Launcher{Exe: exe, Args: []string{queryChild}}, request)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(request.Output)
	if err != nil {
		return nil, err
	}
	answer := &console.Answer{Rows: found.Rows, Truncated: found.Truncated, Content: &temporary{file, dir}}
	for _, c := range found.Columns {
		answer.Columns = append(answer.Columns, console.Column(c))
	}
	return answer, nil
}

// temporary is a file that is removed with its directory on close.
type temporary struct {
	io.ReadCloser
	dir *private
}

func (t *temporary) Close() error { return errors.Join(t.ReadCloser.Close(), t.dir.remove()) }
