package console

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
)

const verifyLong = `Compare the events of a table with Mixpanel, by day and event name, and list the
differences with their likely cause. The counts come from Mixpanel's Query API,
which has its own request budget. The table does not change.

Without --from, the stored days of the last 30 days are compared. With --repair,
different days are fetched again where this can help.

Exit codes: 0 no differences, 1 differences or failed. Causes: not_fetched,
partial_day, late, deleted, quarantined, hidden, retention, time_zone.`

// VerifyFlags are the flags of `verify`.
type VerifyFlags struct {
	ResultFlags
	Table  string
	Repair bool
	days   DayFlags
}

// Days returns the given days, or the zero range without flags; today is that of the project.
func (f *VerifyFlags) Days(today day.Day) (day.Range, error) { return f.days.Days(today) }

// Verified is the result of a comparison.
type Verified struct {
	Answer      *Answer // the differences
	Days        day.Range
	Events      int         // number of compared names
	Differences int         // total number; the answer may be limited
	Repair      []day.Range // days that a fetch can repair
	Only        []string    // event names that the table is limited to; empty means all
	Requests    int
	Warnings    string // in the form of [App.Warn]
}

// Verifier runs the comparison of `verify`.
type Verifier interface {
	Verify(ctx context.Context, q Question, f *VerifyFlags) (*Verified, error)
	// Repair fetches the days in Repair again.
	Repair(ctx context.Context, found *Verified, f *VerifyFlags) error
}

// VerifyCommand returns the command `verify`. with calls its argument with a verifier; more adds flags of the program.
func (a *App) VerifyCommand(example string, with func(*cobra.Command, func(Verifier) error) error, more func(*pflag.FlagSet)) *cobra.Command {
	var f VerifyFlags
	c := &cobra.Command{
		Use: "verify", Short: "Compare a table with Mixpanel's counts", Long: verifyLong, Example: example, Args: NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			var q Question
			if err := f.apply(&q, a.Process.Stdout); err != nil {
				return err
			}
			return with(c, func(v Verifier) error { return a.verify(c.Context(), v, q, &f) })
		},
	}
	flags := c.Flags()
	f.Add(flags)
	f.days.Add(flags)
	flags.Lookup("from").Usage = "first `day`: 2026-11-24, 2026-11, yesterday or 7d (default: stored days of the last 30)"
	flags.StringVar(&f.Table, "table", "events", "`name` of a table of events")
	flags.BoolVar(&f.Repair, "repair", false, "fetch the days that differ again")
	more(flags)
	return c
}

func (a *App) verify(ctx context.Context, v Verifier, q Question, f *VerifyFlags) error {
	found, err := v.Verify(ctx, q, f)
	if err != nil {
		return err
	}
	if err := a.Show(found.Answer, &f.ResultFlags); err != nil {
		return err
	}
	a.Warn(found.Warnings)
	if !f.quiet {
		fmt.Fprintf(a.Process.Stderr, "compared %s of %s with %s to Mixpanel\n",
			wording.Counted(int64(found.Events), "event name"), found.Days, wording.Counted(int64(found.Requests), "request"))
	}
	if found.Differences == 0 {
		return nil
	}
	differ := fault.New(fault.CodeFailed, "", "%s from Mixpanel", wording.Counted(int64(found.Differences), "difference"))
	switch {
	case len(found.Repair) == 0:
		return differ
	case f.Repair:
		if err := v.Repair(ctx, found, f); err != nil {
			return err
		}
		return differ
	}
	return fault.New(fault.CodeFailed, "add --repair to fetch these days again", "%w", differ)
}
