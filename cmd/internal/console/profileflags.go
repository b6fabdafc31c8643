package console

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mixduck/internal/fault"
	"mixduck/internal/stream"
)

// ProfileFlags select profiles. [ProfileFlags.Check] parses the values that need it.
type ProfileFlags struct {
	stream.Filter

	Since   time.Time // zero means a full refresh
	History bool

	allUsers                        bool // include members of Cohort without a profile
	distinctID, cohort, asOf, since string
	properties, ids                 []string
	flags                           *pflag.FlagSet
}

// Add adds the flags.
func (f *ProfileFlags) Add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.StringVar(&f.since, "since", "", "only profiles that changed after this `time`: 36h, 2d, 2026-11-24; deletions are not noticed")
	flags.BoolVar(&f.History, "history", false, "keep all versions of each profile, with valid_from and valid_to")
	flags.StringVar(&f.Where, "where", "", "only profiles that match this Mixpanel `expression`")
	flags.StringVar(&f.cohort, "cohort", "", "only members of the cohort with this `id`")
	flags.BoolVar(&f.allUsers, "include-all-users", true, "with --cohort: also members without a profile")
	flags.StringArrayVar(&f.properties, "output-properties", nil, "fetch only these `properties`, separated by commas, as in CSV; can be repeated")
	flags.StringVar(&f.distinctID, "distinct-id", "", "only the profile with this `id`")
	flags.StringArrayVar(&f.ids, "distinct-ids", nil, "only the profiles with these `ids`, separated by commas, as in CSV; can be repeated")
	flags.StringVar(&f.Group, "group", "", "fetch the profiles of groups, by the `id` of their group key")
	flags.StringVar(&f.Behaviors, "behaviors", "", "`selectors` of events that --where can name, as a JSON array")
	flags.StringVar(&f.asOf, "as-of", "", "evaluate --behaviors at this `time`")
}

// Check parses the flags and rejects conflicting ones. Times must be before now, which is in the project's zone.
func (f *ProfileFlags) Check(now time.Time) (err error) {
	if f.since != "" {
		if f.Since, err = parseTime("--since", f.since, now); err != nil {
			return err
		}
	}
	if f.asOf != "" {
		if f.AsOf, err = parseTime("--as-of", f.asOf, now); err != nil {
			return err
		}
	}
	if f.cohort != "" {
		if f.Cohort, err = strconv.ParseInt(f.cohort, 10, 64); err != nil || f.Cohort <= 0 {
			return fault.Usage("--cohort 12345; enqueue and mp list their ids with 'fetch cohorts'", "--cohort %q is not the id of a cohort", f.cohort)
		}
	}
	if f.OutputProperties, err = splitAll(f.properties); err != nil {
		return err
	}
	if f.DistinctIDs, err = splitAll(f.ids); err != nil {
		return err
	}
	if f.distinctID != "" {
		f.DistinctIDs = append(f.DistinctIDs, f.distinctID)
	}
	f.OmitUsersWithoutProfile = f.Cohort != 0 && !f.allUsers
	return f.exclude()
}

func splitAll(lists []string) (names []string, err error) {
	for _, list := range lists {
		some, err := splitNames(list)
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
	}
	return names, nil
}

func (f *ProfileFlags) exclude() error {
	var behaviors []json.RawMessage
	switch {
	case f.distinctID != "" && len(f.ids) > 0:
		return fault.Usage("use --distinct-ids for all of them", "--distinct-id and --distinct-ids exclude each other")
	case f.Cohort != 0 && len(f.DistinctIDs) > 0:
		return fault.Usage("use one of the two", "--cohort and distinct ids exclude each other")
	case f.Cohort != 0 && f.Behaviors != "":
		return fault.Usage("use one of the two", "--cohort and --behaviors exclude each other")
	case f.flags.Changed("include-all-users") && f.Cohort == 0:
		return fault.Usage("add --cohort", "--include-all-users only works with --cohort")
	case f.Behaviors != "" && json.Unmarshal([]byte(f.Behaviors), &behaviors) != nil:
		return fault.Usage(`--behaviors '[{"window": "90d", "name": "b1", "event_selectors": [{"event": "Login"}]}]'`, "--behaviors is not a JSON array")
	case f.Behaviors != "" && f.AsOf.IsZero(), f.Behaviors == "" && !f.AsOf.IsZero():
		return fault.Usage("give both", "--behaviors and --as-of only work together")
	case strings.Trim(f.Group, "0123456789") != "":
		return fault.Usage("--group 1234567890", "--group %q is not the id of a group key", f.Group)
	}
	return nil
}
