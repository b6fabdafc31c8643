package console

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"mixduck/internal/fault"
)

// EventFlags select events: --event takes a single name literally, --events a list in CSV format.
type EventFlags struct {
	exact, lists []string
	flags        *pflag.FlagSet
}

// Add adds the flags.
func (f *EventFlags) Add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.StringArrayVar(&f.exact, "event", nil, "only events with this exact `name`; can be repeated")
	flags.StringArrayVar(&f.lists, "events", nil, `only events with these `+"`names`"+`, separated by commas, as in CSV: '"a, b",c'; can be repeated`)
}

// Names returns the names in order, none for all events. It trims nothing, because a name can end with a space.
func (f *EventFlags) Names() ([]string, error) {
	if f.flags.Changed("events") && !slices.ContainsFunc(f.lists, func(s string) bool { return s != "" }) {
		return nil, fault.Usage("omit --events to fetch all events", "--events is empty")
	}
	names := slices.Clone(f.exact)
	for _, list := range f.lists {
		all, err := splitNames(list)
		if err != nil {
			return nil, err
		}
		names = append(names, all...)
	}
	for _, name := range names {
		switch {
		case name == "":
			return nil, fault.Usage("use a name, or omit the flag to fetch all events", "an event name is empty")
		case !utf8.ValidString(name):
			return nil, fault.Usage("use UTF-8", "an event name is not valid UTF-8: %q", name)
		}
	}
	return names, nil
}

// splitNames parses one record of CSV (RFC 4180). Names may contain line ends.
func splitNames(list string) (names []string, err error) {
	for {
		name, rest, more := strings.Cut(list, ",")
		switch {
		case strings.HasPrefix(list, `"`):
			if name, rest, more, err = quotedName(list); err != nil {
				return nil, err
			}
		case strings.Contains(name, `"`):
			return nil, fault.Usage("use --event for this name, or double each quote and put the name in quotes",
				"--events has a quote inside a name: %s", name)
		}
		names = append(names, name)
		if !more {
			return names, nil
		}
		list = rest
	}
}

// quotedName parses the quoted name at the start of list, and returns the rest after the following comma.
func quotedName(list string) (name, rest string, more bool, err error) {
	var b strings.Builder
	for rest = list[1:]; ; {
		part, after, closed := strings.Cut(rest, `"`)
		b.WriteString(part)
		switch {
		case !closed:
			return "", "", false, fault.Usage("close the quote, or use --event for this name", "--events has an unclosed quote: %s", list)
		case strings.HasPrefix(after, `"`):
			b.WriteByte('"')
			rest = after[1:]
			continue
		case after != "" && after[0] != ',':
			return "", "", false, fault.Usage("put a comma after the quote, or use --event for this name", "--events has text after a quote: %s", after)
		}
		return b.String(), strings.TrimPrefix(after, ","), after != "", nil
	}
}

// JoinNames returns names in the form of --events.
func JoinNames(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		if list[i] = name; strings.ContainsAny(name, ",\"\n\r") || strings.TrimSpace(name) != name {
			list[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
	}
	return strings.Join(list, ",")
}
