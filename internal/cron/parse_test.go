package cron_test

import (
	"testing"
	"time"

	"mixduck/internal/cron"
	"mixduck/internal/fault"
)

const hintFields = `minute, hour, day of month, month, day of week, for example "15 6 * * *"`

const hintForm = "numbers, ranges and steps, for example 5, 8-18 or */15, with commas between them"

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want, hint string }{
		{"", "the cron entry is empty", hintFields},
		{" \t", "the cron entry is empty", hintFields},
		{"15 6 * *", `cron entry "15 6 * *" has 4 fields, not 5`, hintFields},
		{"0 15 6 * * * 2026", `cron entry "0 15 6 * * * 2026" has 7 fields, not 5`, hintFields},
		{"TZ=UTC", `cron entry "TZ=UTC" names a time zone`, "the setting timezone, or --timezone"},
		{"CRON_TZ=Europe/Berlin 15 6 * * *", `cron entry "CRON_TZ=Europe/Berlin 15 6 * * *" names a time zone`, "the setting timezone, or --timezone"},
		{"60 6 * * *", `cron entry "60 6 * * *" is wrong in the minute "60": 60 is not between 0 and 59`, hintFields},
		{"0 24 * * *", `cron entry "0 24 * * *" is wrong in the hour "24": 24 is not between 0 and 23`, hintFields},
		{"0 0 0 * *", `cron entry "0 0 0 * *" is wrong in the day of month "0": 0 is not between 1 and 31`, hintFields},
		{"0 0 * 13 *", `cron entry "0 0 * 13 *" is wrong in the month "13": 13 is not between 1 and 12`, hintFields},
		{"0 0 * * 8", `cron entry "0 0 * * 8" is wrong in the day of week "8": 8 is not between 0 and 7`, hintFields},
		{"0 0 L * *", `cron entry "0 0 L * *" is wrong in the day of month "L": L (the last day) is not supported`, "1 as the day of month: it follows the last day"},
		{"0 0 * juli *", `cron entry "0 0 * juli *" is wrong in the month "juli": "juli" is not a number or name`, "1-12, or jan to dec"},
		{"0 0 * * mon#2", `cron entry "0 0 * * mon#2" is wrong in the day of week "mon#2": # (the nth weekday of a month) is not supported`, "the weekday alone, for every week"},
		{"-5 0 * * *", `cron entry "-5 0 * * *" is wrong in the minute "-5": "-5" is not a number, range or step`, hintForm},
		{"+5 0 * * *", `cron entry "+5 0 * * *" is wrong in the minute "+5": "+5" is not a number, range or step`, hintForm},
		{"1,,2 0 * * *", `cron entry "1,,2 0 * * *" is wrong in the minute "1,,2": "" is not a number, range or step`, hintForm},
		{", 0 * * *", `cron entry ", 0 * * *" is wrong in the minute ",": "" is not a number, range or step`, hintForm},
		{"1-2-3 0 * * *", `cron entry "1-2-3 0 * * *" is wrong in the minute "1-2-3": "1-2-3" is not a number, range or step`, hintForm},
		{"*-5 0 * * *", `cron entry "*-5 0 * * *" is wrong in the minute "*-5": "*-5" is not a number, range or step`, hintForm},
		{"0 22-4 * * *", `cron entry "0 22-4 * * *" is wrong in the hour "22-4": the range 22-4 goes backwards`, "22-23,0-4"},
		{"0 0 * * fri-mon", `cron entry "0 0 * * fri-mon" is wrong in the day of week "fri-mon": the range fri-mon goes backwards`, "fri-6,0-mon"},
		{"*/0 * * * *", `cron entry "*/0 * * * *" is wrong in the minute "*/0": the step 0 is not between 1 and 60`, "a step from 1 to 60"},
		{"*/x * * * *", `cron entry "*/x * * * *" is wrong in the minute "*/x": "*/x" is not a number, range or step`, hintForm},
		{"*/70 * * * *", `cron entry "*/70 * * * *" is wrong in the minute "*/70": the step 70 is not between 1 and 60`, "@every 70m"},
		{"*/61 * * * * *", `cron entry "*/61 * * * * *" is wrong in the second "*/61": the step 61 is not between 1 and 60`, "@every 61s"},
		{"0 */25 * * *", `cron entry "0 */25 * * *" is wrong in the hour "*/25": the step 25 is not between 1 and 24`, "@every 25h"},
		{"0 0 */32 * *", `cron entry "0 0 */32 * *" is wrong in the day of month "*/32": the step 32 is not between 1 and 31`, "a step from 1 to 31"},
		{"0 0 * */13 *", `cron entry "0 0 * */13 *" is wrong in the month "*/13": the step 13 is not between 1 and 12`, "a step from 1 to 12"},
		{"0 0 * * */8", `cron entry "0 0 * * */8" is wrong in the day of week "*/8": the step 8 is not between 1 and 7`, "a step from 1 to 7"},
		{"5/99 0 * * *", `cron entry "5/99 0 * * *" is wrong in the minute "5/99": the step 99 is not between 1 and 60`, "@every 99m"},
		{"0-30/70 0 * * *", `cron entry "0-30/70 0 * * *" is wrong in the minute "0-30/70": the step 70 is not between 1 and 60`, "@every 70m"},
		{"0,*/70 0 * * *", `cron entry "0,*/70 0 * * *" is wrong in the minute "0,*/70": the step 70 is not between 1 and 60`, "@every 70m"},
		{"*/99999999999999999999 0 * * *", `cron entry "*/99999999999999999999 0 * * *" is wrong in the minute "*/99999999999999999999": the step 99999999999999999999 is not between 1 and 60`, "a step from 1 to 60"},
		{"0 0 * * 7-1", `cron entry "0 0 * * 7-1" is wrong in the day of week "7-1": the range 7-1 goes backwards`, "0-1"},
		{"99999999999999999999 0 * * *", `cron entry "99999999999999999999 0 * * *" is wrong in the minute "99999999999999999999": 99999999999999999999 is not between 0 and 59`, hintFields},
		{"0 0 l * *", `cron entry "0 0 l * *" is wrong in the day of month "l": L (the last day) is not supported`, "1 as the day of month: it follows the last day"},
		{"0 0 L-3 * *", `cron entry "0 0 L-3 * *" is wrong in the day of month "L-3": L (the last day) is not supported`, "1 as the day of month: it follows the last day"},
		{"0 0 LW * *", `cron entry "0 0 LW * *" is wrong in the day of month "LW": W (the nearest working day) is not supported`, "* as the day of month, and 1-5 as the day of week"},
		{"0 0 15W * *", `cron entry "0 0 15W * *" is wrong in the day of month "15W": W (the nearest working day) is not supported`, "* as the day of month, and 1-5 as the day of week"},
		{"0 0 * * 5L", `cron entry "0 0 * * 5L" is wrong in the day of week "5L": L (the last weekday of a month) is not supported`, "the weekday alone, for every week"},
		{"0 0 * * friL", `cron entry "0 0 * * friL" is wrong in the day of week "friL": L (the last weekday of a month) is not supported`, "the weekday alone, for every week"},
		{"0 0 ? * mon", `cron entry "0 0 ? * mon" is wrong in the day of month "?": ? is not supported`, "*; days of the week are 0 (Sunday) to 6, unlike in Quartz"},
		{"H/15 * * * *", `cron entry "H/15 * * * *" is wrong in the minute "H/15": H (a hashed time) is not supported`, "a number, and jitter (--jitter) to spread schedules"},
		{"H(0-29) * * * *", `cron entry "H(0-29) * * * *" is wrong in the minute "H(0-29)": H (a hashed time) is not supported`, "a number, and jitter (--jitter) to spread schedules"},
		{"0 0 31 2 *", `cron entry "0 0 31 2 *" never fires: no year has such a date`, "the day of month and the month"},
		{"0 0 31 2,4,jun,9,11 *", `cron entry "0 0 31 2,4,jun,9,11 *" never fires: no year has such a date`, "the day of month and the month"},
		{"@reboot", `cron entry "@reboot" is not known`, "@hourly, @daily, @weekly, @monthly, @yearly or @every 6h"},
		{"@daily 5", `cron entry "@daily 5" is not known`, "@hourly, @daily, @weekly, @monthly, @yearly or @every 6h"},
		{"@every", `cron entry "@every" needs one duration`, "@every 90m"},
		{"@every 1 h", `cron entry "@every 1 h" needs one duration`, "@every 90m"},
		{"@every day", `cron entry "@every day" is not a duration`, "@every 90m"},
		{"@every -1h", `cron entry "@every -1h" is not between a second and a year`, "@every 90m"},
		{"@every 1ms", `cron entry "@every 1ms" is not between a second and a year`, "@every 90m"},
		{"@every 9000h", `cron entry "@every 9000h" is not between a second and a year`, "@every 90m"},
		{"@every 1500ms", `cron entry "@every 1500ms" is not a whole number of seconds`, "@every 90m"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			_, err := cron.Parse(tt.expr, nil)
			if err == nil {
				t.Fatalf("Parse(%q) has accepted it", tt.expr)
			}
			if err.Error() != tt.want || fault.HintOf(err) != tt.hint || fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Parse(%q) = %s (%s, try: %s)\nwant %s (try: %s)", tt.expr, err, fault.CodeOf(err), fault.HintOf(err), tt.want, tt.hint)
			}
		})
	}
}

// FuzzParse checks that accepted entries fire, and that Next and Latest agree.
func FuzzParse(f *testing.F) {
	zones := []*time.Location{nil, zone(f, "America/New_York"), zone(f, "Pacific/Apia"), zone(f, "Australia/Lord_Howe")}
	for _, expr := range []string{"15 6 * * *", "0 15 6 * * *", "*/7,3-9/2 0-23 * jan-dec sun", "@hourly", "@every 1h30m", "0 0 31 2 *", "5/3 * * * 7"} {
		f.Add(expr, int64(1_800_000_000), uint8(1))
	}
	f.Fuzz(func(t *testing.T, expr string, at int64, in uint8) {
		s, err := cron.Parse(expr, zones[int(in)%len(zones)])
		if err != nil {
			if fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Parse(%q) = %v, which is no error of usage", expr, err)
			}
			return
		}
		after := time.Unix(at%(200*365*86_400), 0)
		next := s.Next(after)
		if next.IsZero() || !next.After(after) {
			t.Fatalf("Parse(%q): after %s comes %s", expr, after, next)
		}
		if latest := s.Latest(after, next); !latest.Equal(next) {
			t.Errorf("Parse(%q): the last tick from %s to %s is %s", expr, after, next, latest)
		}
		if s.Latest(after, next.Add(-time.Second)) != (time.Time{}) {
			t.Errorf("Parse(%q): there is a tick from %s to before %s", expr, after, next)
		}
	})
}
