package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestChartFitsATerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	chart(&b, []bar{{"2026-11-01", 1_234_567}, {"Überlänge 東京", 3}, {"none", 0}})
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), &b)
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > chartWidth {
			t.Errorf("%d columns, more than %d: %s", n, chartWidth, line)
		}
	}
	if !strings.Contains(lines[0], "1,234,567 ███") || strings.Contains(lines[2], "█") {
		t.Errorf("chart:\n%s", &b)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
