package cron

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/fault"
)

// field is what one of the fields may say.
type field struct {
	name     string
	min, max int
	last     int      // of *, where it is not max
	names    []string // of the numbers from min on
	hint     string
}

var grammar = [6]field{
	{name: "second", max: 59, last: 59},
	{name: "minute", max: 59, last: 59},
	{name: "hour", max: 23, last: 23, hint: "0 is midnight"},
	{name: "day of month", min: 1, max: 31, last: 31},
	{name: "month", min: 1, max: 12, last: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
	{name: "day of week", max: 7, last: 6, names: strings.Fields("sun mon tue wed thu fri sat"), hint: "0 and 7 are Sunday; so is sun"},
}

// shorthands are entries by name.
var shorthands = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

const hintFields = `minute, hour, day of month, month, day of week, as in "15 6 * * *"`

// parse reads an entry; every is that of @every in seconds, and 0 otherwise.
func parse(expr string) (f fields, every int64, err error) {
	texts := strings.Fields(expr)
	switch {
	case len(texts) == 0:
		return f, 0, fault.Usage(hintFields, "the cron entry is empty")
	case strings.HasPrefix(texts[0], "TZ=") || strings.HasPrefix(texts[0], "CRON_TZ="):
		return f, 0, fault.Usage("the setting timezone, or --timezone", "cron entry %q names a time zone", expr)
	case texts[0] == "@every":
		every, err = parseEvery(texts[1:])
		return f, every, inEntry(expr, err)
	case strings.HasPrefix(texts[0], "@"):
		long := shorthands[strings.ToLower(texts[0])]
		if long == "" || len(texts) > 1 {
			return f, 0, fault.Usage("@hourly, @daily, @weekly, @monthly, @yearly or @every 6h", "cron entry %q is not known", expr)
		}
		texts = strings.Fields(long)
	}
	switch len(texts) {
	case 5:
		texts = slices.Insert(texts, 0, "0")
	case 6:
	default:
		return f, 0, fault.Usage(hintFields, "cron entry %q has %d fields, not 5", expr, len(texts))
	}
	if f, err = parseFields([6]string(texts)); err != nil {
		return f, 0, inEntry(expr, err)
	}
	if _, ok := f.next(0); !ok {
		return f, 0, fault.Usage("the day of month and the month", "cron entry %q never fires: no year has such a date", expr)
	}
	return f, 0, nil
}

// inEntry says of which entry an error is.
func inEntry(expr string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cron entry %q: %w", expr, err)
}

const maxEvery = 366 * 24 * time.Hour

// parseEvery reads what follows @every.
func parseEvery(texts []string) (seconds int64, err error) {
	const hint = "@every 90m"
	if len(texts) != 1 {
		return 0, fault.Usage(hint, "@every needs one duration")
	}
	d, err := time.ParseDuration(texts[0])
	switch {
	case err != nil:
		return 0, fault.Usage(hint, "%q is not a duration", texts[0])
	case d < time.Second || d > maxEvery:
		return 0, fault.Usage(hint, "%q is not between a second and a year", texts[0])
	case d%time.Second != 0:
		return 0, fault.Usage(hint, "%q is not a whole number of seconds", texts[0])
	}
	return int64(d / time.Second), nil
}

// parse reads a list of numbers, ranges and steps.
func (f field) parse(text string) (set, error) {
	var all set
	for item := range strings.SplitSeq(text, ",") {
		s, err := f.item(item)
		if err != nil {
			return 0, err
		}
		all |= s
	}
	return all, nil
}

// item reads *, a number or a range, and a step, as in 8-18/2.
func (f field) item(text string) (set, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	fromText, toText, ranged := strings.Cut(span, "-")
	from, to, step := f.min, f.last, 1
	var err error
	if span != "*" && span != "?" {
		if from, err = f.number(text, fromText); err != nil {
			return 0, err
		}
		switch {
		case ranged:
			if to, err = f.number(text, toText); err != nil {
				return 0, err
			}
		case stepped: // from there to the end
			to = max(from, f.last)
		default:
			to = from
		}
	}
	if from > to {
		return 0, fault.Usage(fmt.Sprintf("two ranges, as in %d-%s,%s-%d", f.min, toText, fromText, f.last), "%s %q: the range ends before it starts", f.name, text)
	}
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, fault.Usage("*/15", "%s %q: the step %q is not a positive number", f.name, text, stepText)
		}
	}
	var s set
	for n := from; n <= to; n += min(step, 64) {
		s |= 1 << n
	}
	return s, nil
}

// number reads a number or a name that the field may have; item is what it stands in.
func (f field) number(item, text string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fault.Usage(f.hint, "%s %q: %q is not a number%s", f.name, item, text, f.orName())
	}
	if n < uint64(f.min) || n > uint64(f.max) {
		return 0, fault.Usage(f.hint, "%s %q: %d is not between %d and %d", f.name, item, n, f.min, f.max)
	}
	return int(n), nil
}

func (f field) orName() string {
	if len(f.names) == 0 {
		return ""
	}
	return " or a name such as " + f.names[0]
}
