package cron

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	robfig "github.com/robfig/cron/v3"

	"mixduck/internal/fault"
)

// fieldForm is how a field may be written. The parser takes more, such as "+5" and "1,,2", and not all in one way.
var fieldForm = regexp.MustCompile(`^(([*?]|\w+(-\w+)?)(/\d+)?)(,([*?]|\w+(-\w+)?)(/\d+)?)*$`)

const hintFields = `minute, hour, day of month, month, day of week, as in "15 6 * * *"`

// parse reads an entry: the moments of the wall clock, or the seconds of @every, and then 0 of the other.
func parse(expr string) (e entry, every int64, err error) {
	texts := strings.Fields(expr)
	switch {
	case len(texts) == 0:
		return e, 0, fault.Usage(hintFields, "the cron entry is empty")
	case strings.HasPrefix(texts[0], "TZ=") || strings.HasPrefix(texts[0], "CRON_TZ="): // alone it makes the parser panic
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

// parseEvery reads what follows @every.
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

// parseFields reads five fields, or six. The parser's errors do not say of which field they are.
func parseFields(texts []string) (*robfig.SpecSchedule, error) {
	names := []string{"second", "minute", "hour", "day of month", "month", "day of week"}[6-len(texts):]
	for i, text := range texts {
		if !fieldForm.MatchString(text) {
			return nil, fault.Usage("numbers, ranges and steps, as 5, 8-18 or */15, with commas between them", "is wrong in the %s %q", names[i], text)
		}
	}
	texts = slices.Clone(texts)
	weekday := len(texts) - 1
	texts[weekday] = sundayIsZero(texts[weekday])
	spec, err := parseSpec(strings.Join(texts, " "))
	if err == nil {
		return spec, nil
	}
	for i, text := range texts {
		alone := slices.Repeat([]string{"*"}, len(texts))
		alone[i] = text
		if _, err := parseSpec(strings.Join(alone, " ")); err != nil {
			return nil, fault.Usage(hintFields, "is wrong in the %s %q: %w", names[i], text, err)
		}
	}
	return nil, fault.Usage(hintFields, "is wrong: %w", err)
}

// sundayIsZero writes the 7 that crontab(5) has for Sunday, too, as the 0 that the parser knows.
func sundayIsZero(weekdays string) string {
	items := strings.Split(weekdays, ",")
	for i, item := range items {
		if item == "7" {
			items[i] = "0"
		} else if first, ok := strings.CutSuffix(item, "-7"); ok {
			items[i] = first + "-6,0"
		}
	}
	return strings.Join(items, ",")
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
