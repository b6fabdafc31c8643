package console

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/internal/fault"
	"mixduck/internal/wording"
)

// inspection is a named question.
type inspection struct {
	name, args, short string
	least, most       int // number of arguments
	draw              func(io.Writer, *rowScanner, int) error
}

func inspections() []inspection {
	return []inspection{
		{"tables", "", "Show tables with their rows and days", 0, 0, nil},
		{"schema", " TABLE", "Show the columns of a table", 1, 1, nil},
		{"sample", " TABLE", "Show a random sample of rows", 1, 1, nil},
		{"summarize", " TABLE", "Show minimum, maximum and quantiles of each column", 1, 1, nil},
		{"breakdown", " TABLE", "Show rows, users, first and last time of each event", 1, 1, nil},
		{"keys", " TABLE", "Show property names", 1, 1, nil},
		{"properties", " [TABLE|EVENT]", "Show properties with types, rows, days and examples", 0, 1, nil},
		{"column", " TABLE NAME", "Show the most frequent values of a column or property", 2, 2, nil},
		{"info", "", "Show file size, version, tables and rows", 0, 0, nil},
		{"coverage", " [TABLE]", "Show which days are stored, and how complete they are", 0, 1, drawCalendar},
		{"receipts", " [TABLE]", "Show the result of each request window", 0, 1, nil},
		{"changes", " [TABLE]", "Show how already stored days have changed", 0, 1, nil},
		{"quarantine", " [TABLE]", "Show lines that could not be stored as events", 0, 1, nil},
	}
}

// InspectCommand returns the command `inspect` with the named questions, and further commands of the program.
func (a *App) InspectCommand(example string, with WithReader, flags func(*pflag.FlagSet), more ...*cobra.Command) *cobra.Command {
	commands := make([]*cobra.Command, 0, len(inspections())+len(more))
	for _, i := range inspections() {
		c := a.inspectCommand(i, with)
		if slices.ContainsFunc(more, func(m *cobra.Command) bool { return m.Name() == c.Name() }) {
			c.Use = "stored-" + c.Use // mp's inspect properties asks Mixpanel
		}
		flags(c.Flags())
		commands = append(commands, c)
	}
	group := Group("inspect", "Show the contents of a database", append(commands, more...)...)
	group.Example = example
	program := strings.Fields(example)[0]
	for _, c := range commands {
		c.Example = "  " + program + " inspect " + strings.NewReplacer("[TABLE|EVENT]", "events", "[", "", "]", "", "TABLE", "events", "NAME", "plan").Replace(c.Use)
	}
	return group
}

func (a *App) inspectCommand(i inspection, with WithReader) *cobra.Command {
	var f ResultFlags
	var event string
	var rows int
	c := &cobra.Command{
		Use: i.name + i.args, Short: i.short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < i.least || len(args) > i.most {
				return fault.Usage(c.CommandPath()+i.args, "%s got %s", c.CommandPath(), wording.Counted(int64(len(args)), "argument"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			q := Question{Inspect: i.name, Args: args}
			if event != "" && len(args) == 0 {
				q.Args = []string{""}
			}
			if event != "" {
				q.Args = append(q.Args, event)
			}
			if i.name == "sample" {
				q.Args = append(q.Args, strconv.Itoa(rows))
			}
			if i.name == "info" {
				return with(c, func(r Reader) error { return a.inspectInfo(c.Context(), r, q, &f) })
			}
			return with(c, func(r Reader) error { return a.ask(c.Context(), r, q, &f, i.draw) })
		},
	}
	switch i.name {
	case "sample":
		f.AddOutput(c.Flags())
		c.Flags().IntVar(&rows, "limit", 10, "number of `rows`")
	case "coverage":
		f.AddOutput(c.Flags()) // a calendar that ends early would be wrong
	default:
		f.Add(c.Flags())
	}
	if i.name == "keys" || i.name == "properties" {
		c.Flags().StringVar(&event, "event", "", "only events with this `name`")
	}
	return c
}
