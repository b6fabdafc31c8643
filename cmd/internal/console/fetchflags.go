package console

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// FetchFlags say what to fetch.
type FetchFlags struct {
	Where   string // a Mixpanel expression
	Force   bool
	Adopt   bool   // move tables of other programs aside
	Promote string // properties, in the form of [promotion.Parse]

	from, to, lateSince            string
	events                         EventFlags
	appending, replacing, creating bool
}

// AdoptUsage explains --adopt.
const AdoptUsage = "in a database created by mixpanel_data: rename its tables to NAME_before_mixduck, then fetch"

// DayFlags are an optional range of days.
type DayFlags struct{ from, to string }

// Add adds the flags.
func (f *DayFlags) Add(flags *pflag.FlagSet) {
	flags.StringVar(&f.from, "from", "", "first `day`: 2026-11-24, 2026-11, today, yesterday or 7d (default: the days that are due)")
	flags.StringVar(&f.to, "to", "", "last `day`, inclusive (default: yesterday)")
}

// Days returns the given days, or the zero range without flags; today is that of the project.
func (f *DayFlags) Days(today day.Day) (day.Range, error) {
	if f.from == "" && f.to == "" {
		return day.Range{}, nil
	}
	return ParseDays(f.from, f.to, today)
}

// Add adds the flags.
func (f *FetchFlags) Add(flags *pflag.FlagSet) {
	flags.StringVar(&f.from, "from", "", "first `day`: 2026-11-24, 2026-11, today, yesterday or 7d (required unless --late-since is given)")
	flags.StringVar(&f.to, "to", "", "last `day`, inclusive (default: yesterday)")
	flags.StringVar(&f.lateSince, "late-since", "", "re-fetch stored days that received events after this `time`: 36h, 7d, 2026-11-24 or 2026-11-24T06:00:00Z")
	f.events.Add(flags)
	flags.StringVar(&f.Where, "where", "", "only events that match this Mixpanel `expression`")
	flags.BoolVar(&f.appending, "append", false, "add missing events; delete nothing")
	flags.BoolVar(&f.replacing, "replace", false, "build a new table and swap it in when it is complete")
	flags.BoolVar(&f.creating, "create", false, "fail if the table exists")
	flags.BoolVar(&f.Force, "force", false, "replace stored days even if far fewer events arrive")
	flags.BoolVar(&f.Adopt, "adopt", false, AdoptUsage)
	flags.StringVar(&f.Promote, "promote", "", "`properties` to copy into typed columns, for example plan,amount:DOUBLE")
}

// Days returns the given days; today is that of the project. With --late-since, the zero range means all stored days.
func (f *FetchFlags) Days(today day.Day) (day.Range, error) {
	if f.lateSince != "" && f.from == "" && f.to == "" {
		return day.Range{}, nil
	}
	return ParseDays(f.from, f.to, today)
}

// LateSince returns the arrival time from which events count as late, zero for all; now is in the project's zone.
func (f *FetchFlags) LateSince(now time.Time) (time.Time, error) {
	if f.lateSince == "" {
		return time.Time{}, nil
	}
	return ParseSince(f.lateSince, now)
}

// Mode returns sync, append, replace or create.
func (f *FetchFlags) Mode() (string, error) {
	mode, given := "sync", 0
	for _, flag := range []struct {
		given bool
		mode  string
	}{{f.appending, "append"}, {f.replacing, "replace"}, {f.creating, "create"}} {
		if flag.given {
			mode = flag.mode
			given++
		}
	}
	if given > 1 {
		return "", fault.Usage("use at most one; without any, only the requested days are replaced", "--append, --replace and --create exclude each other")
	}
	return mode, nil
}

// Events returns the given event names, none for all.
func (f *FetchFlags) Events() ([]string, error) { return f.events.Names() }

// OneTable rejects more than one table.
func OneTable(path string, args []string) error {
	if len(args) > 1 {
		hint := "fetch into one table at a time"
		if strings.HasSuffix(path, " events") {
			hint = "use --events for event names"
		}
		return fault.Usage(hint, "%s takes one table, but got %q as well", path, args[1])
	}
	return nil
}
