package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/storage"
	"mixduck/storage/query"
	"mixduck/workspace"
)

const fetchLong = `Fetch the events of a date range and store them in a table ("events" by default).

Dates are in the project's time zone. --from is required; --to is yesterday by
default. Both days are included. Stored events of these days are replaced, other
days stay unchanged. An incomplete answer is never stored. The file is
locked until the command ends.

--ephemeral and --in-memory use a private database and delete it at the end;
add --query to print rows from it. --stdout opens no database and writes one
JSON object per line.`

const fetchExample = `  mp fetch events --from 2025-01-01 --to 2025-12-31
  mp fetch events --from 7d --ephemeral --query "SELECT count(*) FROM events"
  mp fetch events --from 2025-01-01 --to 2025-06-30 --path ./h1.db
  mp fetch events --late-since 36h
  mp fetch events --from 7d --stdout | jq .event_name`

// fetchOptions are the flags of `fetch events`.
type fetchOptions struct {
	console.FetchFlags
	ephemeral, inMemory bool
	stdout, raw         bool
	query               string
	lockWait            time.Duration
	quiet               bool
	format              *console.Choice
}

func (a *app) fetchCommand() *cobra.Command {
	commands := []*cobra.Command{a.fetchEventsCommand()}
	for _, info := range append(stream.Keyed(), stream.Everything()) {
		commands = append(commands, a.fetchStreamCommand(info))
	}
	group := console.Group("fetch", "Fetch data from Mixpanel into a database", commands...)
	group.Example = fetchExample
	return group
}

func (a *app) fetchEventsCommand() *cobra.Command {
	var o fetchOptions
	c := &cobra.Command{
		Use: "events [TABLE]", Short: "Fetch events of a date range", Long: fetchLong, Example: fetchExample,
		Args: func(c *cobra.Command, args []string) error { return console.OneTable(c.CommandPath(), args) },
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			return a.fetch(c, args, &o)
		},
	}
	flags := c.Flags()
	o.Add(flags)
	addPath(flags)
	flags.BoolVar(&o.ephemeral, "ephemeral", false, "use a temporary file and delete it at the end")
	flags.BoolVar(&o.inMemory, "in-memory", false, "keep the database in memory only")
	flags.StringVar(&o.query, "query", "", "with --ephemeral or --in-memory: run this `SQL` after the fetch and print the rows")
	flags.BoolVar(&o.stdout, "stdout", false, "write events to stdout as JSON lines; open no database")
	flags.BoolVar(&o.raw, "raw", false, "with --stdout: write the lines as Mixpanel sent them")
	flags.DurationVar(&o.lockWait, "lock-wait", 0, "wait up to this `duration` while another program has the database open")
	flags.BoolVar(&o.quiet, "quiet", false, "do not print progress")
	o.format = console.AddFormat(flags)
	return c
}

// check rejects conflicting flags.
func (o *fetchOptions) check(c *cobra.Command) error {
	given := 0
	for _, name := range []string{"path", "ephemeral", "in-memory", "stdout"} {
		if c.Flags().Changed(name) {
			given++
		}
	}
	switch {
	case given > 1:
		return fault.Usage("use at most one of them", "--path, --ephemeral, --in-memory and --stdout exclude each other")
	case c.Flags().Changed("late-since") && (o.stdout || o.ephemeral || o.inMemory):
		return fault.Usage("omit --late-since", "--late-since needs a database that already holds these days")
	case o.Adopt && (o.stdout || o.ephemeral || o.inMemory):
		return fault.Usage("omit --adopt", "--adopt needs a database file")
	case o.raw && !o.stdout:
		return fault.Usage("add --stdout", "--raw only works with --stdout")
	case c.Flags().Changed("query") && strings.TrimSpace(o.query) == "":
		return fault.Usage("omit --query to run no query", "--query is empty")
	case o.query != "" && !o.ephemeral && !o.inMemory:
		return fault.Usage("add --ephemeral or --in-memory, or run 'mp query' after the fetch", "--query only works with --ephemeral or --in-memory")
	case o.lockWait < 0:
		return fault.Usage("--lock-wait 1m", "--lock-wait must not be negative")
	}
	return nil
}

func (a *app) fetch(c *cobra.Command, args []string, o *fetchOptions) (err error) {
	cfg, p, m, err := a.source(c)
	if err != nil {
		return err
	}
	ws := workspace.Config{
		Project:  workspace.Project{ID: p.ID, Location: p.Location, Shifted: p.Shifted},
		Database: storage.Config{LockWait: o.lockWait, MemoryLimit: cfg.Worker.MemoryLimit, Adopt: o.Adopt},

		RequestsPerHour: cfg.Mixpanel.RequestsPerHour,
	}
	request, err := o.request(args, p, a.Now().In(p.Location))
	if err != nil {
		return err
	}
	if o.query != "" {
		if err := query.Check(c.Context(), o.query); err != nil {
			return err // before requests are sent; missing tables and columns are found later
		}
	}
	dirs, err := o.place(c, cfg, &ws)
	defer func() {
		for _, dir := range dirs {
			err = errors.Join(err, dir.remove())
		}
	}()
	if err != nil {
		return err
	}
	w, err := workspace.New(ws, m, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if o.stdout {
		return a.stream(c.Context(), w, request, o)
	}
	if err := a.store(c.Context(), w, request, ws.Database.Path, o); err != nil || o.query == "" {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	r := reader{path: ws.Database.Path, memory: cfg.Query.MemoryLimit, temp: filepath.Dir(ws.Database.Path)}
	return a.ShowQuery(c.Context(), r, o.query, o.format.Value, o.quiet)
}

// place sets where the database is, and where responses are stored. It creates directories, which the caller must
// remove, even after an error. A database for --query is always a file, because queries run in a separate process.
func (o *fetchOptions) place(c *cobra.Command, cfg config.Config, ws *workspace.Config) (dirs []*private, err error) {
	temp, err := newPrivate("")
	if err != nil {
		return nil, err
	}
	dirs = append(dirs, temp)
	ws.SpoolDir = filepath.Join(temp.path, "spool")
	switch {
	case o.inMemory && o.query == "":
		ws.Database.Mode = storage.InMemory
	case o.inMemory:
		if err := checkMemory(sharedMemory); err != nil {
			return dirs, err
		}
		memory, err := newPrivate(sharedMemory)
		if err != nil {
			return dirs, err
		}
		dirs = append(dirs, memory)
		ws.Database.Path = memory.database()
	case o.ephemeral:
		ws.Database.Path = temp.database()
	case !o.stdout:
		ws.Database.Path, err = databasePath(c, cfg)
	}
	return dirs, err
}

// request returns the request for the workspace.
func (o *fetchOptions) request(args []string, p config.Project, now time.Time) (workspace.FetchRequest, error) {
	r := workspace.FetchRequest{Table: "events", Force: o.Force}
	if len(args) > 0 {
		r.Table = args[0]
	}
	table := p.Table(r.Table)
	r.Where = cmp.Or(o.Where, table.Where)
	mode, err := o.Mode()
	if err != nil {
		return r, err
	}
	r.Mode = workspace.Mode(mode)
	if r.Days, err = o.Days(day.Of(now)); err != nil {
		return r, err
	}
	if r.LateSince, err = o.LateSince(now); err != nil {
		return r, err
	}
	if r.Promote, err = storage.ParsePromotions(cmp.Or(o.Promote, table.Promote)); err != nil {
		return r, err
	}
	if r.Events, err = o.Events(); len(r.Events) == 0 {
		r.Events = table.Events
	}
	return r, err
}

// fetched is the result in --format json. Fields are only ever added.
type fetched struct {
	Path            string   `json:"path"` // "" for a deleted database
	Table           string   `json:"table"`
	From            *day.Day `json:"from"` // null for all stored days
	To              *day.Day `json:"to"`
	Rows            int64    `json:"rows"`
	Duplicates      int64    `json:"duplicates"`
	Quarantined     int64    `json:"quarantined"`
	Windows         int      `json:"windows"`
	Requests        int      `json:"requests"`
	Bytes           int64    `json:"bytes"`
	DurationSeconds float64  `json:"duration_seconds"`
	Added           int64    `json:"added"` // new rows of days that were already stored
	Removed         int64    `json:"removed"`
	Updated         int64    `json:"updated"`
	LateDays        string   `json:"late_days"` // days with late events
	Warnings        []string `json:"warnings"`  // [] for none
}

// store fetches into the database and prints the result.
func (a *app) store(ctx context.Context, w *workspace.Workspace, r workspace.FetchRequest, path string, o *fetchOptions) error {
	began := a.Now()
	bar := a.NewBar(o.quiet)
	p, err := a.fetchPatiently(ctx, w, r, func(p workspace.Progress) {
		bar.Show(fmt.Sprintf("%s, %s, %s", console.Windows(p.WindowsDone, p.WindowsTotal, p.Requests, p.Bytes), console.Counted(p.Rows, "row"), console.Megabytes(p.Bytes)))
	})
	bar.Clear()
	if err != nil {
		return paused(full(after(p.Trouble, err), o.inMemory), "run it again after %s, or use a worker, which waits")
	}
	took := a.Now().Sub(began)
	if o.ephemeral || o.inMemory {
		path = ""
	}
	if o.format.Value == console.FormatJSON && o.query == "" {
		result := fetched{
			Path: path, Table: r.Table, Rows: p.Rows, Duplicates: p.Duplicates,
			Quarantined: p.Quarantined, Windows: p.WindowsDone, Requests: p.Requests, Bytes: p.Bytes, DurationSeconds: took.Seconds(),
			Added: p.Added, Removed: p.Removed, Updated: p.Updated, LateDays: p.LateDays,
			Warnings: console.Warnings(p.Warnings),
		}
		if r.Days != (day.Range{}) {
			result.From, result.To = &r.Days.From, &r.Days.To
		}
		return a.PrintJSON(result)
	}
	done := fmt.Sprintf("done: %s, %s, %s quarantined, %s, %s in %s", console.Counted(p.Rows, "row"),
		console.Counted(p.Duplicates, "duplicate"), console.Grouped(p.Quarantined), console.Counted(int64(p.WindowsDone), "window"),
		console.Megabytes(p.Bytes), console.ShortTime(took))
	if !r.LateSince.IsZero() {
		done += "; " + console.Late(p.LateDays)
	}
	if more := console.Outcome(p.Added, p.Removed, p.Updated, p.DaysLeft, p.Unavailable); more != "" {
		done += "; " + more
	}
	a.Warn(p.Warnings)
	if o.query == "" {
		return a.PrintLine(done)
	}
	if !o.quiet { // the rows are the result
		fmt.Fprintln(a.Process.Stderr, done)
	}
	return nil
}

// after adds to a pause what went wrong before it.
func after(trouble string, err error) error {
	if _, ok := errors.AsType[*workspace.PauseError](err); ok && trouble != "" {
		return fmt.Errorf("%w; earlier error: %s", err, trouble)
	}
	return err
}

// paused adds an exit code and a hint to the error of a fetch that Mixpanel told to wait; %s in the hint is the end of
// the wait.
func paused(err error, hint string) error {
	pause, ok := errors.AsType[*workspace.PauseError](err)
	if !ok {
		return err
	}
	return fault.New(fault.CodeRateLimited, strings.ReplaceAll(hint, "%s", console.TimeOfDay(pause.Until, time.Now())), "%w", err)
}
