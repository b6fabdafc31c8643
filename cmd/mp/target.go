package main

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/storage"
	"mixduck/storage/query"
	"mixduck/workspace"
)

// target is where a fetch stores what it receives: a database, a private one, or stdout.
type target struct {
	ephemeral, inMemory bool
	stdout, raw         bool
	query               string
	lockWait            time.Duration
}

// add adds the flags for a database, and addStdout those for the output of what.
func (t *target) add(flags *pflag.FlagSet) {
	addPath(flags)
	flags.BoolVar(&t.ephemeral, "ephemeral", false, "use a temporary file and delete it at the end")
	flags.BoolVar(&t.inMemory, "in-memory", false, "keep the database in memory only")
	flags.StringVar(&t.query, "query", "", "with --ephemeral or --in-memory: run this `SQL` after the fetch and print the rows")
	flags.DurationVar(&t.lockWait, "lock-wait", 0, "wait up to this `duration` while another program has the database open")
}

func (t *target) addStdout(flags *pflag.FlagSet, what, lines string) {
	flags.BoolVar(&t.stdout, "stdout", false, "write "+what+" to stdout as JSON lines; open no database")
	flags.BoolVar(&t.raw, "raw", false, "with --stdout: write the "+lines+" as Mixpanel sent them")
}

// private reports whether nothing is left of the database after the command, if there is one.
func (t *target) private() bool { return t.ephemeral || t.inMemory || t.stdout }

// check rejects flags that contradict each other, and a query that cannot run.
func (t *target) check(c *cobra.Command, adopt bool) error {
	given := 0
	for _, name := range []string{"path", "ephemeral", "in-memory", "stdout"} {
		if c.Flags().Changed(name) {
			given++
		}
	}
	switch {
	case given > 1:
		names := "--path, --ephemeral and --in-memory"
		if c.Flags().Lookup("stdout") != nil {
			names = "--path, --ephemeral, --in-memory and --stdout"
		}
		return fault.Usage("use at most one of them", "%s exclude each other", names)
	case adopt && t.private():
		return fault.Usage("omit --adopt", "--adopt needs a database file")
	case t.raw && !t.stdout:
		return fault.Usage("add --stdout", "--raw only works with --stdout")
	case c.Flags().Changed("query") && strings.TrimSpace(t.query) == "":
		return fault.Usage("omit --query to run no query", "--query is empty")
	case t.query != "" && !t.ephemeral && !t.inMemory:
		return fault.Usage("add --ephemeral or --in-memory, or run 'mp query' after the fetch", "--query only works with --ephemeral or --in-memory")
	case t.lockWait < 0:
		return fault.Usage("--lock-wait 1m", "--lock-wait must not be negative")
	case t.query != "":
		return query.Check(c.Context(), t.query) // missing tables and columns are found later
	}
	return nil
}

// place sets where the database is, and where responses are stored. It creates directories, which the caller must
// remove, even after an error. A database for --query is always a file, because queries run in a separate process.
func (t *target) place(c *cobra.Command, cfg config.Config, ws *workspace.Config) (dirs []*private, err error) {
	temp, err := newPrivate("")
	if err != nil {
		return nil, err
	}
	dirs = append(dirs, temp)
	ws.SpoolDir = filepath.Join(temp.path, "spool")
	switch {
	case t.inMemory && t.query == "":
		ws.Database.Mode = storage.InMemory
	case t.inMemory:
		if err := checkMemory(sharedMemory); err != nil {
			return dirs, err
		}
		memory, err := newPrivate(sharedMemory)
		if err != nil {
			return dirs, err
		}
		dirs = append(dirs, memory)
		ws.Database.Path = memory.database()
	case t.ephemeral:
		ws.Database.Path = temp.database()
	case !t.stdout:
		ws.Database.Path, err = databasePath(c, cfg)
	}
	return dirs, err
}

// show runs the query on the closed database and prints the rows.
func (t *target) show(c *cobra.Command, a *app, cfg config.Config, path, format string, quiet bool) error {
	r := reader{path: path, memory: cfg.Query.MemoryLimit, temp: filepath.Dir(path)}
	return a.ShowQuery(c.Context(), r, t.query, format, quiet)
}

// path returns what results say of the database's path: "" if it is deleted.
func (t *target) path(path string) string {
	if t.ephemeral || t.inMemory {
		return ""
	}
	return path
}
