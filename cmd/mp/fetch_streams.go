package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/internal/wording"
	"mixduck/mixpanel"
	"mixduck/storage"
	"mixduck/workspace"
)

const profilesLong = `Fetch profiles and store them in a table ("profiles" by default).
The table then holds exactly the profiles that Mixpanel has: rows are added,
updated and removed in one step, and counted.

With --since, only profiles that changed after this time are fetched. Deleted
profiles stay: run a full refresh now and then. Each filter needs its own table.

--ephemeral and --in-memory use a private database and delete it at the end;
add --query to print rows from it. --stdout opens no database and writes one
JSON object per line.`

const profilesExample = `  mp fetch profiles
  mp fetch profiles --since 2d
  mp fetch profiles members --cohort 12345 --path ./h1.db
  mp fetch profiles --where 'properties["plan"] == "pro"' --stdout
  mp fetch profiles --in-memory --query "SELECT count(*) FROM profiles"`

const allLong = `Fetch every stream that the project's plan allows, one after the other:
profiles, cohorts and their members, annotations, funnels, Lexicon and saved
reports. Each has its own table. Streams that the plan lacks are named on stderr. Use
'mp fetch events' for events.`

// streamOptions are the flags of fetches of streams other than events.
type streamOptions struct {
	info     stream.Info
	days     console.DayFlags
	profiles console.ProfileFlags
	reports  []int64
	target

	adopt, force, quiet bool
	format              *console.Choice
}

func (a *app) fetchStreamCommand(info stream.Info) *cobra.Command {
	o := streamOptions{info: info}
	c := &cobra.Command{
		Use: info.Name + " [TABLE]", Short: "Fetch " + info.Short, Example: "  mp fetch " + info.Name,
		Long: fmt.Sprintf("Fetch %s and store them in a table (%q by default).\nThe table then holds exactly what Mixpanel has.", info.Short, info.Table),
		Args: func(c *cobra.Command, args []string) error { return console.OneTable(c.CommandPath(), args) },
		RunE: func(c *cobra.Command, args []string) error { return a.fetchStreams(c, args, &o) },
	}
	flags := c.Flags()
	switch {
	case info.Name == stream.All:
		c.Use, c.Long, c.Args = info.Name, allLong, console.NoArguments
	case info.Days:
		o.days.Add(flags)
	case info.Some:
		c.Long, c.Example = profilesLong, profilesExample
		o.profiles.Add(flags)
		o.addStdout(flags, "profiles", "profiles")
	case info.ByID:
		c.Long, c.Example = c.Long+console.ReportIDLong, c.Example+"\n  mp fetch reports --report-id 123 --report-id 456"
		console.AddReportIDs(flags, &o.reports, console.ReportIDUsage)
	}
	o.add(flags)
	flags.BoolVar(&o.force, "force", false, "let an empty answer of Mixpanel empty the table")
	flags.BoolVar(&o.adopt, "adopt", false, console.AdoptUsage)
	flags.BoolVar(&o.quiet, "quiet", false, "do not print progress")
	o.format = console.AddFormat(flags)
	return c
}

// requests returns the requests for the workspace.
func (o *streamOptions) requests(c *cobra.Command, args []string, now time.Time) (all []workspace.StreamRequest, err error) {
	if err := o.check(c, o.adopt); err != nil {
		return nil, err
	}
	if o.stdout && (o.profiles.History || len(args) > 0) {
		return nil, fault.Usage("omit it", "--stdout fills no table")
	}
	if o.info.Name == stream.All {
		for _, info := range workspace.Streams() {
			all = append(all, workspace.StreamRequest{Stream: info.Name, Table: info.Table, Force: o.force})
		}
		return all, nil
	}
	r := workspace.StreamRequest{Stream: o.info.Name, Table: o.info.Table, ReportIDs: o.reports, Force: o.force}
	if o.info.Days {
		if r.Days, err = o.days.Days(day.Of(now)); err != nil {
			return nil, err
		}
	}
	if o.info.Some {
		f := &o.profiles
		if err := f.Check(now); err != nil {
			return nil, err
		}
		r.Since, r.History, r.Profiles = f.Since, f.History, f.Filter
		if f.Group != "" {
			r.Table = stream.GroupTable(f.Group)
		}
	}
	if len(args) > 0 {
		r.Table = args[0]
	}
	return []workspace.StreamRequest{r}, r.Check()
}

func (a *app) fetchStreams(c *cobra.Command, args []string, o *streamOptions) (err error) {
	cfg, p, m, err := a.source(c)
	if err != nil {
		return err
	}
	requests, err := o.requests(c, args, a.Now().In(p.Location))
	if err != nil {
		return err
	}
	ws := workspace.Config{
		Project:  workspace.Project{ID: p.ID, Location: p.Location, Shifted: p.Shifted},
		Database: storage.Config{LockWait: o.lockWait, MemoryLimit: cfg.Worker.MemoryLimit, Adopt: o.adopt},
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
		return a.printProfiles(c.Context(), w, requests[0], o)
	}
	results, err := a.refreshAll(c.Context(), w, requests, ws.Database.Path, o)
	if o.query != "" {
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
		return o.show(c, a, cfg, ws.Database.Path, o.format.Value, o.quiet)
	}
	if o.format.Value != console.FormatJSON || len(requests) == 1 && err != nil {
		return err
	}
	if o.info.Name == stream.All {
		return errors.Join(a.PrintJSON(results), err)
	}
	return a.PrintJSON(results[0])
}

// refreshAll runs the requests. If a stream fails, the others are still fetched.
func (a *app) refreshAll(ctx context.Context, w *workspace.Workspace, requests []workspace.StreamRequest, path string, o *streamOptions) ([]refreshed, error) {
	results := []refreshed{}
	var failed error
	for _, r := range requests {
		result, err := a.refresh(ctx, w, r, path, o)
		switch api, _ := errors.AsType[*mixpanel.Error](err); {
		case err == nil:
			results = append(results, result)
		case len(requests) == 1 || ctx.Err() != nil:
			return results, err
		case api != nil && api.Reason == mixpanel.ReasonPlan:
			a.Warn(r.Stream + ": the project's plan lacks it")
		case api != nil && workspace.Permanent(err) && optional(r.Stream):
			a.Warn(r.Stream + ": " + err.Error())
		default:
			a.Warn(r.Stream + ": " + err.Error())
			failed = errors.Join(failed, err)
		}
	}
	return results, failed
}

// optional reports whether the other streams count without this one.
func optional(name string) bool {
	info, err := stream.Find(name)
	return err == nil && info.Optional
}

// refreshed is the result in --format json. Fields are only ever added.
type refreshed struct {
	Path            string   `json:"path"`
	Stream          string   `json:"stream"`
	Table           string   `json:"table"`
	Rows            int64    `json:"rows"`
	Added           int64    `json:"added"`
	Updated         int64    `json:"updated"`
	Removed         int64    `json:"removed"`
	Unchanged       int64    `json:"unchanged"`
	Duplicates      int64    `json:"duplicates"`
	Quarantined     int64    `json:"quarantined"`
	Requests        int      `json:"requests"`
	Bytes           int64    `json:"bytes"`
	DurationSeconds float64  `json:"duration_seconds"`
	Warnings        []string `json:"warnings"` // [] for none
}

// refresh fetches one stream into the database.
func (a *app) refresh(ctx context.Context, w *workspace.Workspace, r workspace.StreamRequest, path string, o *streamOptions) (refreshed, error) {
	if err := r.Check(); err != nil { // also sets the table's name
		return refreshed{}, err
	}
	began := a.Now()
	bar := a.NewBar(o.quiet)
	p, err := a.patiently(ctx, func(ctx context.Context, job string) (workspace.Progress, error) {
		r.Job = job
		return w.FetchStream(ctx, r, func(p workspace.Progress) {
			bar.Show(fmt.Sprintf("%s: %d/%d requests, %s", r.Stream, p.WindowsDone, max(1, p.WindowsTotal), wording.Megabytes(p.Bytes)))
		})
	})
	bar.Clear()
	if err != nil {
		return refreshed{}, paused(full(after(p.Trouble, err), o.inMemory), "run it again after %s, or use a worker, which waits")
	}
	took := a.Now().Sub(began)
	result := refreshed{
		Path: o.path(path), Stream: r.Stream, Table: r.Table, Rows: p.Rows, Added: p.Added, Updated: p.Updated, Removed: p.Removed,
		Unchanged: p.Unchanged, Duplicates: p.Duplicates, Quarantined: p.Quarantined, Requests: p.Requests, Bytes: p.Bytes,
		DurationSeconds: took.Seconds(), Warnings: console.Warnings(p.Warnings),
	}
	a.Warn(p.Warnings)
	done := fmt.Sprintf("done: %s: %s, %s added, %s updated, %s removed, %s unchanged; %s, %s in %s",
		r.Table, wording.Counted(p.Rows, "row"), wording.Grouped(p.Added), wording.Grouped(p.Updated), wording.Grouped(p.Removed),
		wording.Grouped(p.Unchanged), wording.Counted(int64(p.Requests), "request"), wording.Megabytes(p.Bytes), wording.ShortTime(took))
	switch {
	case o.query != "" && !o.quiet: // the rows are the result
		fmt.Fprintln(a.Process.Stderr, done)
	case o.query == "" && o.format.Value != console.FormatJSON:
		return result, a.PrintLine(done)
	}
	return result, nil
}

// printProfiles writes profiles to stdout. If the reader closes the pipe, it stops without an error.
func (a *app) printProfiles(ctx context.Context, w *workspace.Workspace, r workspace.StreamRequest, o *streamOptions) error {
	n, unreadable, err := w.WriteProfiles(ctx, r, o.raw, a.Process.Stdout)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case err != nil:
		return paused(full(err, false), "run it again after %s")
	}
	return a.PrintedProfiles(n-unreadable, unreadable, o.quiet)
}
