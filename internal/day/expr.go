package day

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var (
	agoPattern   = regexp.MustCompile(`^([0-9]{1,5})d$`)
	monthPattern = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})$`)
)

// ParseExpr parses a day to fetch: yyyy-mm-dd, "today", "yesterday", "7d" (seven days before today) or "2026-10" (the
// whole month). The result is one day, or the days of the month; today must be in the project's zone. Days before
// [Earliest] are errors.
func ParseExpr(s string, today Day) (Range, error) {
	r, err := parseExpr(s, today)
	if err == nil {
		err = r.From.CheckEarliest()
	}
	if err != nil {
		return Range{}, err
	}
	return r, nil
}

func parseExpr(s string, today Day) (Range, error) {
	switch s {
	case "today":
		return Range{today, today}, nil
	case "yesterday":
		return Range{today - 1, today - 1}, nil
	}
	if m := agoPattern.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return Range{}, err
		}
		return Range{today - Day(n), today - Day(n)}, nil
	}
	if m := monthPattern.FindStringSubmatch(s); m != nil {
		t, err := time.Parse("2006-01", s)
		if err != nil {
			return Range{}, fmt.Errorf("%q is not a month (yyyy-mm)", s)
		}
		return Range{Of(t), Of(t.AddDate(0, 1, -1))}, nil
	}
	d, err := Parse(s)
	if err != nil {
		return Range{}, fmt.Errorf("%q is not a date: use yyyy-mm-dd, yyyy-mm, today, yesterday or 7d", s)
	}
	return Range{d, d}, nil
}
