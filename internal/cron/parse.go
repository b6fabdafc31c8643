package cron

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	robfig "github.com/robfig/cron/v3"

	"mixduck/internal/fault"
)

const hintFields = `minute, hour, day of month, month, day of week, for example "15 6 * * *"`

// parse parses an entry. It returns either the fields or the seconds of @every; the other is zero.
func parse(expr string) (e entry, every int64, err error) {
	texts := strings.Fields(expr)
	switch {
	case len(texts) == 0:
		return e, 0, fault.Usage(hintFields, "the cron entry is empty")
	case strings.HasPrefix(texts[0], "TZ=") || strings.HasPrefix(texts[0], "CRON_TZ="): // on its own it makes the parser panic
		return e, 0, fault.Usage("the setting timezone, or --timezone", "cron entry %q names a time zone", expr)
	case texts[0] == "@every":
		every, err = parseEvery(texts[1:])
	case strings.HasPrefix(texts[0], "@"):
		if e.spec, err = parseSpec(strings.ToLower(strings.Join(texts, " "))); err != nil {
			err = fault.Usage("@hourly, @daily, @weekly, @monthly, @yearly or @every 6h", "is not known")
		}
	case len(texts) != 5 && len(texts) != 6:
		err = fault.Usage(hintFields, "has %d fields, not 5", len(texts))
	default:
		e.spec, err = parseFields(texts)
	}
	if err == nil && every == 0 {
		if _, ok := e.next(0); !ok {
			err = fault.Usage("the day of month and the month", "never fires: no year has such a date")
		}
	}
	if err != nil {
		return entry{}, 0, fmt.Errorf("cron entry %q %w", expr, err)
	}
	return e, every, nil
}

const maxEvery = 366 * 24 * time.Hour

// parseEvery parses the text after @every.
func parseEvery(texts []string) (seconds int64, err error) {
	const hint = "@every 90m"
	if len(texts) != 1 {
		return 0, fault.Usage(hint, "needs one duration")
	}
	d, err := time.ParseDuration(texts[0])
	switch {
	case err != nil:
		return 0, fault.Usage(hint, "is not a duration")
	case d < time.Second || d > maxEvery:
		return 0, fault.Usage(hint, "is not between a second and a year")
	case d%time.Second != 0:
		return 0, fault.Usage(hint, "is not a whole number of seconds")
	}
	return int64(d / time.Second), nil
}

// parseFields parses five or six fields.
func parseFields(texts []string) (*robfig.SpecSchedule, error) {
	for i, f := range allFields[len(allFields)-len(texts):] {
		if err := f.check(texts[i]); err != nil {
			return nil, err
		}
	}
	last := len(texts) - 1
	spec, err := parseSpec(strings.Join(append(slices.Clone(texts[:last]), sundayIsZero(texts[last])), " "))
	if err != nil {
		return nil, fault.Usage(hintFields, "is wrong: %w", err)
	}
	return spec, nil
}

// weekdayRange matches an item of the weekday field that may end on a Sunday.
var weekdayRange = regexp.MustCompile(`^(\w+)(?:-(\w+))?(?:/(\d+))?$`)

// sundayIsZero rewrites the weekday field for the parser, which accepts Sunday only as 0. In crontab(5) Sunday is also
// 7, so a range can end there, with or without a step.
func sundayIsZero(weekdays string) string {
	items := strings.Split(weekdays, ",")
	for i, item := range items {
		items[i] = sundayItem(item)
	}
	return strings.Join(items, ",")
}

// sundayItem lists the days of an item that ends on day 7. It returns all other items unchanged, including invalid
// ones.
func sundayItem(item string) string {
	m := weekdayRange.FindStringSubmatch(item)
	if m == nil {
		return item
	}
	first, last, step := weekday(m[1]), weekday(m[2]), 1
	if m[2] == "" {
		last = first
	}
	if strings.EqualFold(m[2], "sun") && first > 0 {
		last = 7
	}
	if m[3] != "" {
		step, _ = strconv.Atoi(m[3]) // digits; 0 if there are too many
	}
	if last != 7 || first < 0 || first > last || step == 0 {
		return item
	}
	var days []string
	for day := first; day <= last; day += step {
		days = append(days, strconv.Itoa(day%7))
	}
	return strings.Join(days, ",")
}

// weekday returns the number of a day's name, or the number in a text; -1 if it is neither.
func weekday(text string) int {
	if i := slices.Index(weekdays, strings.ToLower(text)); i >= 0 {
		return i
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

func parseSpec(expr string) (*robfig.SpecSchedule, error) {
	parser := robfig.NewParser(robfig.SecondOptional | robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow | robfig.Descriptor)
	schedule, err := parser.Parse(expr)
	if err != nil {
		return nil, err
	}
	spec, ok := schedule.(*robfig.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q has no fields", expr)
	}
	return spec, nil
}
