package cron_test

import (
	"testing"
	"time"

	"mixduck/internal/cron"
	"mixduck/internal/fault"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want, hint string }{
		{"", "the cron entry is empty", `minute, hour, day of month, month, day of week, as in "15 6 * * *"`},
		{" \t", "the cron entry is empty", `minute, hour, day of month, month, day of week, as in "15 6 * * *"`},
		{"15 6 * *", `cron entry "15 6 * *" has 4 fields, not 5`, `minute, hour, day of month, month, day of week, as in "15 6 * * *"`},
		{"0 15 6 * * * 2026", `cron entry "0 15 6 * * * 2026" has 7 fields, not 5`, `minute, hour, day of month, month, day of week, as in "15 6 * * *"`},
		{"TZ=UTC", `cron entry "TZ=UTC" names a time zone`, "the setting timezone, or --timezone"},
		{"CRON_TZ=Europe/Berlin 15 6 * * *", `cron entry "CRON_TZ=Europe/Berlin 15 6 * * *" names a time zone`, "the setting timezone, or --timezone"},
		{"60 6 * * *", `cron entry "60 6 * * *": minute "60": 60 is not between 0 and 59`, ""},
		{"0 24 * * *", `cron entry "0 24 * * *": hour "24": 24 is not between 0 and 23`, "0 is midnight"},
		{"0 0 0 * *", `cron entry "0 0 0 * *": day of month "0": 0 is not between 1 and 31`, ""},
		{"0 0 * 13 *", `cron entry "0 0 * 13 *": month "13": 13 is not between 1 and 12`, ""},
		{"0 0 * * 8", `cron entry "0 0 * * 8": day of week "8": 8 is not between 0 and 7`, "0 and 7 are Sunday; so is sun"},
		{"0 0 L * *", `cron entry "0 0 L * *": day of month "L": "L" is not a number`, ""},
		{"0 0 * juli *", `cron entry "0 0 * juli *": month "juli": "juli" is not a number or a name such as jan`, ""},
		{"0 0 * * mon#2", `cron entry "0 0 * * mon#2": day of week "mon#2": "mon#2" is not a number or a name such as sun`, "0 and 7 are Sunday; so is sun"},
		{"-5 0 * * *", `cron entry "-5 0 * * *": minute "-5": "" is not a number`, ""},
		{"+5 0 * * *", `cron entry "+5 0 * * *": minute "+5": "+5" is not a number`, ""},
		{"1,,2 0 * * *", `cron entry "1,,2 0 * * *": minute "": "" is not a number`, ""},
		{", 0 * * *", `cron entry ", 0 * * *": minute "": "" is not a number`, ""},
		{"1-2-3 0 * * *", `cron entry "1-2-3 0 * * *": minute "1-2-3": "2-3" is not a number`, ""},
		{"*-5 0 * * *", `cron entry "*-5 0 * * *": minute "*-5": "*" is not a number`, ""},
		{"0 22-4 * * *", `cron entry "0 22-4 * * *": hour "22-4": the range ends before it starts`, "two ranges, as in 0-4,22-23"},
		{"0 0 * * fri-mon", `cron entry "0 0 * * fri-mon": day of week "fri-mon": the range ends before it starts`, "two ranges, as in 0-mon,fri-6"},
		{"*/0 * * * *", `cron entry "*/0 * * * *": minute "*/0": the step "0" is not a positive number`, "*/15"},
		{"*/x * * * *", `cron entry "*/x * * * *": minute "*/x": the step "x" is not a positive number`, "*/15"},
		{"0 0 31 2 *", `cron entry "0 0 31 2 *" never fires: no year has such a date`, "the day of month and the month"},
		{"0 0 31 2,4,jun,9,11 *", `cron entry "0 0 31 2,4,jun,9,11 *" never fires: no year has such a date`, "the day of month and the month"},
		{"@reboot", `cron entry "@reboot" is not known`, "@hourly, @daily, @weekly, @monthly, @yearly or @every 6h"},
		{"@daily 5", `cron entry "@daily 5" is not known`, "@hourly, @daily, @weekly, @monthly, @yearly or @every 6h"},
		{"@every", `cron entry "@every": @every needs one duration`, "@every 90m"},
		{"@every 1 h", `cron entry "@every 1 h": @every needs one duration`, "@every 90m"},
		{"@every day", `cron entry "@every day": "day" is not a duration`, "@every 90m"},
		{"@every -1h", `cron entry "@every -1h": "-1h" is not between a second and a year`, "@every 90m"},
		{"@every 1ms", `cron entry "@every 1ms": "1ms" is not between a second and a year`, "@every 90m"},
		{"@every 9000h", `cron entry "@every 9000h": "9000h" is not between a second and a year`, "@every 90m"},
		{"@every 1500ms", `cron entry "@every 1500ms": "1500ms" is not a whole number of seconds`, "@every 90m"},
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
