package cron

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/fault"
)

// field is a field of an entry.
type field struct {
	name     string
	min, max int
	size     int      // number of different values
	names    []string // of the values from min; nil if there are only numbers
	every    string   // @every entry for steps larger than the field, with %s for the step; "" for none
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var allFields = []field{
	{name: "second", max: 59, size: 60, every: "@every %ss"},
	{name: "minute", max: 59, size: 60, every: "@every %sm"},
	{name: "hour", max: 23, size: 24, every: "@every %sh"},
	{name: "day of month", min: 1, max: 31, size: 31},
	{name: "month", min: 1, max: 12, size: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of week", max: 7, size: 7, names: weekdays},
}

const hintForm = "numbers, ranges and steps, for example 5, 8-18 or */15, with commas between them"

// fieldForm is the form of an item of a field: first, last and step. The parser accepts more, such as "+5", but not
// consistently.
var fieldForm = regexp.MustCompile(`^(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?$`)

// check checks the field's text. Its errors have a hint.
func (f field) check(text string) error {
	for item := range strings.SplitSeq(text, ",") {
		if err := f.checkItem(item); err != nil {
			return fault.Usage(fault.HintOf(err), "is wrong in the %s %q: %w", f.name, text, err)
		}
	}
	return nil
}

func (f field) checkItem(item string) error {
	if problem, hint := foreign(item); problem != "" {
		return fault.Usage(hint, "%s", problem)
	}
	m := fieldForm.FindStringSubmatch(item)
	if m == nil {
		return fault.Usage(hintForm, "%q is not a number, range or step", item)
	}
	first, last := f.min, f.max
	var err error
	if m[1] != "" {
		if first, err = f.value(m[1]); err != nil {
			return err
		}
	}
	if m[2] != "" {
		if last, err = f.value(m[2]); err != nil {
			return err
		}
		if strings.EqualFold(m[2], "sun") && first > 0 {
			last = f.max // Sunday can end a week
		}
	}
	if first > last {
		hint := fmt.Sprintf("%d-%s", f.min, m[2])
		if top := f.min + f.size - 1; first <= top {
			hint = fmt.Sprintf("%s-%d,%s", m[1], top, hint)
		}
		return fault.Usage(hint, "the range %s-%s goes backwards", m[1], m[2])
	}
	return f.checkStep(m[3])
}

// value returns the number or the numeric value of a name.
func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err == nil && f.min <= n && n <= f.max:
		return n, nil
	case err == nil || strings.Trim(text, "0123456789") == "":
		return 0, fault.Usage(hintFields, "%s is not between %d and %d", text, f.min, f.max)
	case f.names != nil:
		return 0, fault.Usage(fmt.Sprintf("%d-%d, or %s to %s", f.min, f.max, f.names[0], f.names[len(f.names)-1]), "%q is not a number or name", text)
	}
	return 0, fault.Usage(hintFields, "%q is not a number", text)
}

// checkStep rejects steps that crontab(5) accepts but that nobody wants: */70 would fire as often as 0.
func (f field) checkStep(step string) error {
	if step == "" {
		return nil
	}
	n, err := strconv.Atoi(step)
	if err == nil && 0 < n && n <= f.size {
		return nil
	}
	hint := fmt.Sprintf("a step from 1 to %d", f.size)
	if err == nil && n > 0 && f.every != "" {
		hint = fmt.Sprintf(f.every, step)
	}
	return fault.Usage(hint, "the step %s is not between 1 and %d", step, f.size)
}

// foreignForms are forms of other schedulers, such as Quartz and Jenkins, with what to write instead.
var foreignForms = []struct {
	form          *regexp.Regexp
	problem, hint string
}{
	{regexp.MustCompile(`#`), "# (the nth weekday of a month) is not supported", "the weekday alone, for every week"},
	{regexp.MustCompile(`^(?i:L?W|\d+W)$`), "W (the nearest working day) is not supported", "* as the day of month, and 1-5 as the day of week"},
	{regexp.MustCompile(`^(?i:(\d|sun|mon|tue|wed|thu|fri|sat)L)$`), "L (the last weekday of a month) is not supported", "the weekday alone, for every week"},
	{regexp.MustCompile(`^(?i:L(-\d+)?)$`), "L (the last day) is not supported", "1 as the day of month: it follows the last day"},
	{regexp.MustCompile(`\?`), "? is not supported", "*; days of the week are 0 (Sunday) to 6, unlike in Quartz"},
	{regexp.MustCompile(`^(?i:H(\(.*\))?(/\d+)?)$`), "H (a hashed time) is not supported", "a number, and jitter (--jitter) to spread schedules"},
}

// foreign says what an item means elsewhere, and what to write instead; "" for other items.
func foreign(item string) (problem, hint string) {
	for _, f := range foreignForms {
		if f.form.MatchString(item) {
			return f.problem, f.hint
		}
	}
	return "", ""
}
