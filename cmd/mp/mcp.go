package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/buildinfo"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/serve/mcp"
	"mixduck/storage/query"
)

const mcpLong = `Answer an assistant over the Model Context Protocol, on stdin and stdout. The
assistant can list tables, columns, properties, values and coverage, and run
read-only queries. Answers say how fresh the data is, and are cut to a size that
a model can read. No file is open between questions. While a load keeps the
database locked, answers come from its snapshot.

With --allow-fetch, the assistant can also ask a worker to fetch days, which uses
the request budget of the project. This needs the program enqueue.`

const mcpExample = `  mp mcp
  mp mcp --path ./h1.db
  mp mcp --project web --allow-fetch`

// mcpLockWait is how long a question waits for a load if there is no snapshot.
const mcpLockWait = 30 * time.Second

func (a *app) mcpCommand() *cobra.Command {
	var allowFetch bool
	c := &cobra.Command{
		Use: "mcp", Short: "Answer an assistant over the Model Context Protocol", Long: mcpLong, Example: mcpExample, Args: console.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			path, err := databasePath(c, cfg)
			if err != nil {
				return err
			}
			exe, err := os.Executable()
			if err != nil {
				return err
			}
			settings := mcp.Config{
				Database: path, Snapshot: reader{path: path, volumes: cfg.Volumes}.snapshot, Launcher: query.Launcher{Exe: exe, Args: []string{queryChild}}, MemoryLimit: cfg.Query.MemoryLimit,
				LockWait: mcpLockWait, Version: buildinfo.Version(),
			}
			if allowFetch {
				f, err := newFetcher(c, exe)
				if err != nil {
					return err
				}
				settings.Fetcher = f
			}
			return mcp.Serve(c.Context(), settings, a.Process.Stdin, console.Raw(a.Process.Stdout))
		},
	}
	addPath(c.Flags())
	c.Flags().BoolVar(&allowFetch, "allow-fetch", false, "let the assistant ask a worker for fetches")
	return c
}

// fetcher asks a worker through the program enqueue, because mp has no queue.
type fetcher struct {
	program string
	flags   []string // that choose the settings and the project
}

func newFetcher(c *cobra.Command, exe string) (*fetcher, error) {
	if c.Flags().Changed("path") {
		return nil, fault.Usage("omit --path", "--allow-fetch works on the database of a project")
	}
	f := &fetcher{program: filepath.Join(filepath.Dir(exe), "enqueue")}
	if _, err := os.Stat(f.program); err != nil {
		if f.program, err = exec.LookPath("enqueue"); err != nil {
			return nil, fault.New(fault.CodeNotFound, "install it beside mp", "--allow-fetch needs the program enqueue")
		}
	}
	for _, name := range []string{"config", "data-dir", "project"} {
		if flag := c.Flags().Lookup(name); flag != nil && flag.Changed {
			f.flags = append(f.flags, "--"+name+"="+flag.Value.String())
		}
	}
	return f, nil
}

// Fetch implements [mcp.Fetcher].
func (f *fetcher) Fetch(ctx context.Context, from, to string) (json.RawMessage, error) {
	for _, text := range []string{from, to} {
		if _, err := day.Parse(text); err != nil {
			return nil, fault.Usage("use days as 2026-01-31", "%w", err)
		}
	}
	return f.run(ctx, append([]string{"fetch", "events", "--from=" + from, "--to=" + to, "--format=json"}, f.flags...))
}

// Job implements [mcp.Fetcher].
func (f *fetcher) Job(ctx context.Context, id string) (json.RawMessage, error) {
	args := []string{"jobs", "show", "--format=json"}
	for _, flag := range f.flags {
		if !strings.HasPrefix(flag, "--project=") { // which a job knows
			args = append(args, flag)
		}
	}
	return f.run(ctx, append(args, "--", id))
}

func (f *fetcher) run(ctx context.Context, args []string) (json.RawMessage, error) {
	var out, problem bytes.Buffer
	cmd := exec.CommandContext(ctx, f.program, args...)
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fault.New(fault.CodeFailed, "", "%s", strings.TrimSpace(problem.String()))
	}
	return json.RawMessage(bytes.TrimSpace(out.Bytes())), nil
}
