package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/storage"
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
	target

	quiet  bool
	format *console.Choice
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
	o.add(flags)
	o.addStdout(flags, "events", "lines")
	flags.BoolVar(&o.quiet, "quiet", false, "do not print progress")
	o.format = console.AddFormat(flags)
	return c
}

// check rejects conflicting flags.
func (o *fetchOptions) check(c *cobra.Command) error {
	if c.Flags().Changed("late-since") && o.private() {
		return fault.Usage("omit --late-since", "--late-since needs a database that already holds these days")
	}
	return o.target.check(c, o.Adopt)
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
	return o.show(c, a, cfg, ws.Database.Path, o.format.Value, o.quiet)
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
		bar.Show(fmt.Sprintf("%s, %s, %s", wording.Windows(p.WindowsDone, p.WindowsTotal, p.Requests, p.Bytes), wording.Counted(p.Rows, "row"), wording.Megabytes(p.Bytes)))
	})
	bar.Clear()
	if err != nil {
		return paused(full(after(p.Trouble, err), o.inMemory), "run it again after %s, or use a worker, which waits")
	}
	took := a.Now().Sub(began)
	if o.format.Value == console.FormatJSON && o.query == "" {
		result := fetched{
			Path: o.path(path), Table: r.Table, Rows: p.Rows, Duplicates: p.Duplicates,
			Quarantined: p.Quarantined, Windows: p.WindowsDone, Requests: p.Requests, Bytes: p.Bytes, DurationSeconds: took.Seconds(),
			Added: p.Added, Removed: p.Removed, Updated: p.Updated, LateDays: p.LateDays,
			Warnings: console.Warnings(p.Warnings),
		}
		if r.Days != (day.Range{}) {
			result.From, result.To = &r.Days.From, &r.Days.To
		}
		return a.PrintJSON(result)
	}
	done := fmt.Sprintf("done: %s, %s, %s quarantined, %s, %s in %s", wording.Counted(p.Rows, "row"),
		wording.Counted(p.Duplicates, "duplicate"), wording.Grouped(p.Quarantined), wording.Counted(int64(p.WindowsDone), "window"),
		wording.Megabytes(p.Bytes), wording.ShortTime(took))
	if !r.LateSince.IsZero() {
		done += "; " + wording.Late(p.LateDays)
	}
	if more := wording.Outcome(p.Added, p.Removed, p.Updated, p.DaysLeft, p.Unavailable); more != "" {
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
	return fault.New(fault.CodeRateLimited, strings.ReplaceAll(hint, "%s", wording.TimeOfDay(pause.Until, time.Now())), "%w", err)
}
