package day_test

import (
	"testing"

	"mixduck/internal/day"
)

func TestParseExpr(t *testing.T) {
	t.Parallel()
	today := day.New(2026, 11, 22)
	tests := []struct {
		name, expr string
		want       string // from..to; "" means an error
	}{
		{"a date", "2026-10-01", "2026-10-01"},
		{"today", "today", "2026-11-22"},
		{"yesterday", "yesterday", "2026-11-21"},
		{"days ago", "7d", "2026-11-15"},
		{"no days ago", "0d", "2026-11-22"},
		{"days ago, across a year", "365d", "2025-11-22"},
		{"a month", "2026-10", "2026-10-01..2026-10-31"},
		{"February", "2026-02", "2026-02-01..2026-02-28"},
		{"February of a leap year", "2024-02", "2024-02-01..2024-02-29"},
		{"December", "2025-12", "2025-12-01..2025-12-31"},

		{"the earliest day", "2009-01-01", "2009-01-01"},
		{"the earliest month", "2009-01", "2009-01-01..2009-01-31"},

		{"nothing", "", ""},
		{"before Mixpanel", "2008-12-31", ""},
		{"a month before Mixpanel", "2008-12", ""},
		{"the beginning of time", "1970-01-01", ""},
		{"a mistyped year", "0026-11-01", ""},
		{"many days ago", "20000d", ""},
		{"a day that does not exist", "2026-02-30", ""},
		{"a month that does not exist", "2026-13", ""},
		{"month zero", "2026-00", ""},
		{"days to come", "-7d", ""},
		{"days without a number", "d", ""},
		{"too many days", "100000d", ""},
		{"another unit", "2w", ""},
		{"other letters", "Today", ""},
		{"white space", " today", ""},
		{"a year", "2026", ""},
		{"a date in two lines", "2026-10-01\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := day.ParseExpr(tt.expr, today)
			switch {
			case tt.want == "" && err == nil:
				t.Errorf("ParseExpr(%q) = %s, want an error", tt.expr, got)
			case tt.want != "" && (err != nil || got.String() != tt.want):
				t.Errorf("ParseExpr(%q) = %s, %v, want %s", tt.expr, got, err, tt.want)
			}
		})
	}
}

func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{"today", "99999d", "9999-12", "0000-01", "2026-10-01"} {
		f.Add(s)
	}
	today := day.New(2026, 11, 22)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := day.ParseExpr(s, today)
		if n := r.Len(); err == nil && (n < 1 || n > 31) {
			t.Errorf("ParseExpr(%q) = %s, %d days", s, r, n)
		}
	})
}
