package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

const statusLong = `Show how fresh each table is: its last complete day, how long ago that day ended,
and the next run. Below, list days that are missing or failed, and the remaining
request budget of each project.

A table is stale if its last complete day ended longer ago than --max-lag. It is
failing if a failed day ended longer ago than that. It is complete if it has all days
up to the last complete one, except those that Mixpanel no longer serves: a fresh
table can have gaps. With --check, the exit code
is 1 if a table is stale or failing, for cron and monitoring; with --complete, also
if days are missing. Tables without a schedule are shown, but only checked with --all.`

const statusExample = `  enqueue status
  enqueue status --check --max-lag 36h || echo "Mixpanel data is stale"
  enqueue status --format json`

// statusFlags are the flags of `enqueue status`.
type statusFlags struct {
	check, all, complete bool
	maxLag               time.Duration
	format               *console.Choice
}

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "Show how fresh the tables are", Long: statusLong, Example: statusExample, Args: console.NoArguments}
	var f statusFlags
	c.Flags().BoolVar(&f.check, "check", false, "exit with code 1 if a table is stale or failing, or if nothing is scheduled")
	c.Flags().BoolVar(&f.all, "all", false, "also check tables without a schedule")
	c.Flags().BoolVar(&f.complete, "complete", false, "with --check: exit with code 1 also if a table has gaps")
	c.Flags().DurationVar(&f.maxLag, "max-lag", status.DefaultMaxLag, "maximum time since the last complete day ended")
	f.format = console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		if f.complete && !f.check {
			return fault.Usage("--check --complete", "--complete changes what --check checks")
		}
		if f.maxLag <= 0 {
			return fault.Usage("--max-lag 36h", "--max-lag must be positive, got %s", f.maxLag)
		}
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		return connect.WithRedis(c.Context(), cfg, func(rdb *redis.Client) error { return a.status(c.Context(), rdb, cfg, f) })
	}
	return c
}

func (a *app) status(ctx context.Context, rdb *redis.Client, cfg config.Config, f statusFlags) error {
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		return err
	}
	if !cfg.Redis.URL.IsZero() {
		problems, err := connect.Problems(ctx, rdb)
		if err != nil {
			return err
		}
		for _, p := range problems {
			a.Warn(p.Text)
		}
	}
	tables, err := inspect(ctx, q, f, a.Now())
	if err != nil {
		return err
	}
	workers, err := q.Workers(ctx)
	if err != nil {
		return err
	}
	budgets, err := budgetsOf(ctx, rdb, cfg, tables)
	if err != nil {
		return err
	}
	snapshots, err := q.Snapshots(ctx)
	if err != nil {
		return err
	}
	paused, err := q.List(ctx, queue.Filter{State: jobs.StatePaused})
	if err != nil {
		return err
	}
	if f.format.Value == console.FormatJSON {
		err = a.PrintJSON(newStatusObjects(tables, budgets, snapshots, a.Now()))
	} else {
		width, _ := console.TerminalWidth(a.Process.Stdout)
		err = a.Print(statusText(tables, budgets, a.Now(), width) + heldText(paused, width) + snapshotsText(snapshots, a.Now(), width) + pagesText(workers, width))
	}
	if err != nil || !f.check {
		return err
	}
	return alarm(tables, f.complete)
}

// inspect gets the freshness of the tables from the queue.
func inspect(ctx context.Context, q *queue.Queue, f statusFlags, now time.Time) ([]status.Table, error) {
	s, err := status.Survey{MaxLag: f.maxLag, All: f.all, Now: now}.Read(ctx, q, schedule.NewStore(q))
	if err != nil {
		return nil, err
	}
	return s.Judge(), nil
}

// budgetsOf returns the budgets of the tables' projects, by project ID.
func budgetsOf(ctx context.Context, rdb *redis.Client, cfg config.Config, tables []status.Table) (map[int64]budget.State, error) {
	states := map[int64]budget.State{}
	for _, t := range tables {
		id := t.Project.ID
		if _, known := states[id]; known || id == 0 {
			continue
		}
		state, err := budgetOf(ctx, rdb, cfg, budget.Export, strconv.FormatInt(id, 10))
		if err != nil {
			return nil, err
		}
		states[id] = state
	}
	return states, nil
}

// alarm returns the error of --check, or nil if no table needs attention. If complete, tables with gaps need it.
func alarm(tables []status.Table, complete bool) error {
	var bad []string
	judged := false
	for _, t := range tables {
		judged = judged || t.Verdict != status.Unscheduled
		switch of := t.State.Table + " of " + status.Database(t.State.Database); {
		case t.Bad():
			bad = append(bad, fmt.Sprintf("%s is %s", of, t.Verdict))
		case complete && t.Verdict != status.Unscheduled && t.Completeness == status.Incomplete:
			bad = append(bad, of+" has gaps")
		}
	}
	switch {
	case len(bad) > 0:
		return fault.New(fault.CodeFailed, "run 'enqueue status' for details, or 'enqueue jobs list --state failed'", "%s", strings.Join(bad, ", "))
	case !judged:
		return fault.New(fault.CodeFailed, "add a schedule (enqueue schedules add --help), or use --all", "no schedules, so there is nothing to check")
	}
	return nil
}

// statusText returns the text about the tables.
func statusText(tables []status.Table, budgets map[int64]budget.State, now time.Time, width int) string {
	if len(tables) == 0 {
		return "no table has been fetched, and none is scheduled\n"
	}
	rows := [][]string{{"PROJECT", "TABLE", "STATE", "COMPLETE", "LAST DAY", "BEHIND", "ROWS", "NEXT RUN"}}
	var notes []string
	for _, t := range tables {
		rows = append(rows, tableRow(t, now))
		notes = append(notes, tableNotes(t)...)
	}
	var b strings.Builder
	b.WriteString(console.Table(rows, width))
	for _, note := range notes {
		b.WriteString(wording.Cut(wording.Printable(note), width) + "\n")
	}
	var asked []int64
	for _, t := range tables {
		s, known := budgets[t.Project.ID]
		if !known || slices.Contains(asked, t.Project.ID) {
			continue
		}
		asked = append(asked, t.Project.ID)
		line := fmt.Sprintf("%s: %d of %d requests left this hour", t.Project.Name, s.Left, s.Limit)
		if !s.BlockedUntil.IsZero() {
			line += "; Mixpanel asked to wait " + status.Until(s.BlockedUntil, now)
		}
		b.WriteString(wording.Cut(wording.Printable(line), width) + "\n")
	}
	return b.String()
}

// pagesText lists the workers' pages for health and metrics.
func pagesText(workers []jobs.WorkerInfo, width int) string {
	var b strings.Builder
	for _, w := range workers {
		if w.HTTP != "" {
			line := fmt.Sprintf("worker %s on %s: health and metrics at http://%s", w.ID, w.Host, w.HTTP)
			b.WriteString(wording.Cut(wording.Printable(line), width) + "\n")
		}
	}
	return b.String()
}

// tableRow returns the table's row on the screen.
func tableRow(f status.Table, now time.Time) []string {
	last, behind, next := "never", "", "not scheduled"
	switch {
	case f.State.LastComplete != nil:
		last = f.State.LastComplete.String()
	case !f.State.Dated() && !f.State.FetchedAt.IsZero():
		last = f.State.FetchedAt.In(now.Location()).Format(time.DateOnly)
	}
	if f.Behind > 0 {
		behind = wording.ShortTime(f.Behind)
	}
	switch {
	case !f.Next.IsZero():
		next = wording.TimeOfDay(f.Next, now)
	case len(f.Schedules) > 0:
		next = "paused"
	}
	return []string{
		wording.Printable(f.Project.Name), tableName(f), string(f.Verdict), completeWord(f), last, behind, wording.Grouped(f.State.Rows), next,
	}
}

// completeWord says whether a table has all its days.
func completeWord(f status.Table) string {
	switch f.Completeness {
	case status.Complete:
		return "yes"
	case status.Incomplete:
		return "no"
	case status.Unknown:
	}
	return "unknown"
}

// rangesShown limits how many ranges of days are named in a note.
const rangesShown = 3

// someRanges names the first ranges, in parentheses; "" for none.
func someRanges(all []day.Range) string {
	if len(all) == 0 {
		return ""
	}
	var names []string
	for _, r := range all[:min(rangesShown, len(all))] {
		names = append(names, r.String())
	}
	if more := len(all) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// tableName returns the table's name, with its database if that is not the project's default.
func tableName(f status.Table) string {
	own := f.Project.Database
	if own == "" {
		own = fmt.Sprintf("%s/%d.db", jobs.DefaultVolume, f.Project.ID)
	}
	if f.State.Database == own {
		return wording.Printable(f.State.Table)
	}
	return status.Database(f.State.Database) + " " + wording.Printable(f.State.Table)
}

// tableNotes returns additional information, one item per line.
func tableNotes(f status.Table) (notes []string) {
	var days []string
	missing := 0
	for _, r := range f.Gaps.Missing {
		missing += r.Len()
	}
	for _, d := range []struct {
		n    int
		what string
		gaps []day.Range
	}{
		{max(missing, f.State.Missing), "missing", f.Gaps.Missing},
		{f.State.Partial, "partial", f.Gaps.Partial},
		{f.State.Unavailable, "unavailable", nil},
	} {
		if d.n > 0 {
			days = append(days, fmt.Sprintf("%s %s%s", wording.Counted(int64(d.n), "day"), d.what, someRanges(d.gaps)))
		}
	}
	if f.State.Quarantined > 0 {
		days = append(days, wording.Counted(f.State.Quarantined, "line")+" in quarantine")
	}
	title := fmt.Sprintf("%s %s", f.Project.Name, tableName(f))
	if len(days) > 0 {
		notes = append(notes, title+": "+strings.Join(days, ", "))
	}
	if f.State.TimeWarning != "" {
		notes = append(notes, title+": "+f.State.TimeWarning)
	}
	if v := f.State.Verified; v != nil && (v.Differences > 0 || v.Problem != "") {
		notes = append(notes, title+": "+status.Verified(v))
	}
	for _, failing := range f.State.Failing {
		notes = append(notes, fmt.Sprintf("%s %s: %s", title, failing.Days, failing.Message))
	}
	if f.State.Failure != nil && len(f.State.Failing) == 0 {
		notes = append(notes, fmt.Sprintf("%s: job %s failed: %s", title, f.State.Job, f.State.Failure.Message))
	}
	return notes
}

// heldText returns a line about each job that waits for another program.
func heldText(paused []jobs.Record, width int) string {
	var b strings.Builder
	for _, r := range paused {
		if r.Progress.Held != nil {
			line := fmt.Sprintf("%s: job %s %s", status.Database(r.Database), r.ID, r.Progress.Held)
			b.WriteString(wording.Cut(wording.Printable(line), width) + "\n")
		}
	}
	return b.String()
}
