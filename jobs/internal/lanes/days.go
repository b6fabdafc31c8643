package lanes

import (
	"context"
	"fmt"

	"mixduck/jobs"
)

// Day maps have one slot, because a script writes both keys.
const daysPrefix = "mixduck:{days}:"

// DaysWrittenKey is a HASH of the last report of day maps, by database: fence and number of the report.
const DaysWrittenKey = daysPrefix + "written"

// DaysKey is a HASH of the day maps of a database, by table.
func DaysKey(database string) string { return daysPrefix + "of:" + database }

// WriteDays writes a report about the days of a database, unless a later report was written.
func (en *Engine) WriteDays(ctx context.Context, database string, fence int64, r jobs.DayReport) error {
	if !r.All && len(r.Tables) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, CallTimeout)
	defer stop()
	all := 0
	if r.All {
		all = 1
	}
	args := []any{database, fence, r.Seq, all}
	for table, days := range r.Tables {
		if len(days) > 0 {
			args = append(args, table, days.String())
		}
	}
	if err := en.Scripts.days.Run(ctx, en.Redis, []string{DaysWrittenKey, DaysKey(database)}, args...).Err(); err != nil {
		return fmt.Errorf("write the day maps of %s: %w", database, err)
	}
	return nil
}
