package cron_test

import (
	"testing"
	"time"

	"mixduck/internal/cron"
	"mixduck/internal/fault"
)

const hintFields = `minute, hour, day of month, month, day of week, as in "15 6 * * *"`

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want, hint string }{
		{"", "the cron entry is empty", hintFields},
		{" \t", "the cron entry is empty", hintFields},
		{"15 6 * *", `cron entry "15 6 * *" has 4 fields, not 5`, hintFields},
		{"0 15 6 * * * 2026", `cron entry "0 15 6 * * * 2026" has 7 fields, not 5`, hintFields},
		{"TZ=UTC", `cron entry "TZ=UTC" names a time zone`, "the setting timezone, or --timezone"},
		{"CRON_TZ=Europe/Berlin 15 6 * * *", `cron entry "CRON_TZ=Europe/Berlin 15 6 * * *" names a time zone`, "the setting timezone, or --timezone"},
		{"60 6 * * *", `cron entry "60 6 * * *" is wrong in the minute "60": end of range (60) above maximum (59): 60`, hintFields},
		{"0 24 * * *", `cron entry "0 24 * * *" is wrong in the hour "24": end of range (24) above maximum (23): 24`, hintFields},
		{"0 0 0 * *", `cron entry "0 0 0 * *" is wrong in the day of month "0": beginning of range (0) below minimum (1): 0`, hintFields},
		{"0 0 * 13 *", `cron entry "0 0 * 13 *" is wrong in the month "13": end of range (13) above maximum (12): 13`, hintFields},
		{"0 0 * * 8", `cron entry "0 0 * * 8" is wrong in the day of week "8": end of range (8) above maximum (6): 8`, hintFields},
		{"0 0 L * *", `cron entry "0 0 L * *" is wrong in the day of month "L": failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax`, hintFields},
		{"0 0 * juli *", `cron entry "0 0 * juli *" is wrong in the month "juli": failed to parse int from juli: strconv.Atoi: parsing "juli": invalid syntax`, hintFields},
		{"0 0 * * mon#2", `cron entry "0 0 * * mon#2" is wrong in the day of week "mon#2"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{"-5 0 * * *", `cron entry "-5 0 * * *" is wrong in the minute "-5"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{"+5 0 * * *", `cron entry "+5 0 * * *" is wrong in the minute "+5"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{"1,,2 0 * * *", `cron entry "1,,2 0 * * *" is wrong in the minute "1,,2"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{", 0 * * *", `cron entry ", 0 * * *" is wrong in the minute ","`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{"1-2-3 0 * * *", `cron entry "1-2-3 0 * * *" is wrong in the minute "1-2-3"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{"*-5 0 * * *", `cron entry "*-5 0 * * *" is wrong in the minute "*-5"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
		{"0 22-4 * * *", `cron entry "0 22-4 * * *" is wrong in the hour "22-4": beginning of range (22) beyond end of range (4): 22-4`, hintFields},
		{"0 0 * * fri-mon", `cron entry "0 0 * * fri-mon" is wrong in the day of week "fri-mon": beginning of range (5) beyond end of range (1): fri-mon`, hintFields},
		{"*/0 * * * *", `cron entry "*/0 * * * *" is wrong in the minute "*/0": step of range should be a positive number: */0`, hintFields},
		{"*/x * * * *", `cron entry "*/x * * * *" is wrong in the minute "*/x"`, "numbers, ranges and steps, as 5, 8-18 or */15, with commas between them"},
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

// FuzzParse holds Parse to its word: whatever it accepts fires, and Next and Latest agree.
func FuzzParse(f *testing.F) {
	zones := []*time.Location{nil, zone(f, "America/New_York"), zone(f, "Pacific/Apia"), zone(f, "Australia/Lord_Howe")}
	for _, expr := range []string{"15 6 * * *", "0 15 6 * * *", "*/7,3-9/2 0-23 ? jan-dec sun", "@hourly", "@every 1h30m", "0 0 31 2 *", "5/3 * * * 7"} {
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
