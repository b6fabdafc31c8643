package console

import (
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

func TestParseDays(t *testing.T) {
	t.Parallel()
	today := day.New(2026, 11, 22)
	tests := []struct {
		name, from, to string
		want           string // the days, or part of the error
		wrong          bool
	}{
		{"both ends are included", "2026-10-24", "2026-11-21", "2026-10-24..2026-11-21", false},
		{"to is yesterday by default", "2026-11-01", "", "2026-11-01..2026-11-21", false},
		{"months are whole", "2024-02", "2024-02", "2024-02-01..2024-02-29", false},
		{"a month begins at its first and ends at its last", "2026-01", "2026-10", "2026-01-01..2026-10-31", false},
		{"this month up to yesterday", "2026-11", "", "2026-11-01..2026-11-21", false},
		{"days ago", "7d", "1d", "2026-11-15..2026-11-21", false},
		{"today may be asked", "today", "today", "2026-11-22", false},
		{"yesterday", "yesterday", "", "2026-11-21", false},
		{"from is needed", "", "", "--from is required", true},
		{"from is no date", "last week", "", `--from: "last week" is not a date`, true},
		{"to is no date", "7d", "now", `--to: "now" is not a date`, true},
		{"from before Mixpanel", "1970-01-01", "2026-11-01", "--from: 1970-01-01 is before 2009-01-01, the earliest day to fetch", true},
		{"a mistyped year", "0026-11-01", "2026-11-01", "--from: 0026-11-01 is before 2009-01-01", true},
		{"to before Mixpanel", "2026-11-01", "1926-11-01", "--to: 1926-11-01 is before 2009-01-01", true},
		{"from in the future", "2026-11-23", "", "--from 2026-11-23 is in the future: today is 2026-11-22", true},
		{"to in the future", "7d", "2026-11-23", "--to 2026-11-23 is in the future", true},
		{"this month is not over", "2026-11", "2026-11", "--to 2026-11-30 is in the future", true},
		{"reversed", "2026-11-02", "2026-11-01", "--to 2026-11-01 is before --from 2026-11-02", true},
		{"from today without to", "today", "", "--from 2026-11-22 is after yesterday", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseDays(tt.from, tt.to, today)
			switch {
			case !tt.wrong && (err != nil || got.String() != tt.want):
				t.Errorf("parseDays(%q, %q) = %v, %v, want %v", tt.from, tt.to, got, err, tt.want)
			case tt.wrong && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("parseDays(%q, %q) = %v, want error %q", tt.from, tt.to, err, tt.want)
			case tt.wrong && (fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == ""):
				t.Errorf("parseDays(%q, %q): code %q, hint %q", tt.from, tt.to, fault.CodeOf(err), fault.HintOf(err))
			}
		})
	}
}

func TestDescribeDays(t *testing.T) {
	t.Parallel()
	r := day.Range{From: day.New(2026, 10, 24), To: day.New(2026, 11, 21)}
	if got, want := DescribeDays(r, time.UTC), "2026-10-24..2026-11-21 (29 days, UTC)"; got != want {
		t.Errorf("describeDays() = %q, want %q", got, want)
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.FixedZone("", 3600))
	tests := []struct {
		name, text string
		want       string // in UTC; "" for a usage error
	}{
		{"a moment", "2026-11-21T06:00:00Z", "2026-11-21T06:00:00Z"},
		{"a moment of another zone", "2026-11-21T06:00:00-08:00", "2026-11-21T14:00:00Z"},
		{"a day began in the project's zone", "2026-11-21", "2026-11-20T23:00:00Z"},
		{"hours", "36h", "2026-11-20T17:00:00Z"},
		{"minutes", "90m", "2026-11-22T03:30:00Z"},
		{"days", "7d", "2026-11-15T05:00:00Z"},
		{"a day before Mixpanel", "1970-01-01", ""},
		{"a span that begins before Mixpanel", "20000d", ""},
		{"the future", "2026-11-23", ""},
		{"a span into the future", "-36h", ""},
		{"a number", "36", ""},
		{"a word", "yesterday", ""},
		{"no date", "2026-13-01", ""},
		{"no zone", "2026-11-21T06:00:00", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseSince(tt.text, now)
			if tt.want != "" && (err != nil || got.UTC().Format(time.RFC3339) != tt.want) {
				t.Errorf("ParseSince(%q) = %v, %v, want %s", tt.text, got, err, tt.want)
			}
			if tt.want == "" && (fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "") {
				t.Errorf("ParseSince(%q) = %v, %v, want a usage error with a hint", tt.text, got, err)
			}
		})
	}
}
