package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/internal/wording"
)

const askLong = `Ask Mixpanel for names, lists and reports. These commands open no database and
wait for no job. 'inspect' shows what a database contains.

Dates are in the project's time zone; --from is the first day and --to the last,
yesterday by default. Most questions cost one request of the Query API, which has
60 an hour for a project.`

// Asker queries Mixpanel about a project.
type Asker interface {
	Today() day.Day // in the project's time zone
	// Ask returns the answer in a content format. A nil answer means that there is nothing to show.
	Ask(ctx context.Context, q question.Question, format string) (*Answer, error)
}

// WithAsker calls use with the Asker for the project given by a command's flags.
type WithAsker func(c *cobra.Command, use func(Asker) error) error

// AskCommand returns the command `ask` of a program; more adds flags of the program.
func (a *App) AskCommand(program string, with WithAsker, more func(*pflag.FlagSet)) *cobra.Command {
	all := question.List()
	commands := make([]*cobra.Command, len(all))
	for i, info := range all {
		commands[i] = a.askCommand(program, info, with, more)
	}
	group := Group("ask", "Ask Mixpanel for names, lists and reports", commands...)
	group.Long = askLong
	group.Example = commands[0].Example + "\n" + commands[len(commands)-1].Example
	return group
}

// KnownQuestions returns commands, hidden from help, with the names of a command group of mixpanel_data, for people
// used to them.
func (a *App) KnownQuestions(group, program string, with WithAsker, more func(*pflag.FlagSet)) (all []*cobra.Command) {
	for _, info := range question.List() {
		known, name, _ := strings.Cut(info.Known, " ")
		if known != group {
			continue
		}
		c := a.askCommand(program, info, with, more)
		_, rest, _ := strings.Cut(c.Use+" ", " ")
		c.Use, c.Hidden = strings.TrimSpace(name+" "+rest), true
		all = append(all, c)
	}
	return all
}

// askCommand returns the command for one question.
func (a *App) askCommand(program string, info question.Info, with WithAsker, more func(*pflag.FlagSet)) *cobra.Command {
	var o ResultFlags
	f := questionFlags{info: info, values: map[string][]string{}}
	c := &cobra.Command{
		Use: strings.TrimSpace(info.Name + " " + f.usage()), Short: info.Short, Long: f.long(), Example: "  " + program + " ask " + info.Example,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              f.take,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.Check(a.Process.Stdout); err != nil {
				return err
			}
			if _, err := f.question(0); err != nil && f.days == (DayFlags{}) { // what cannot be right needs no project
				return err
			}
			return with(c, func(asker Asker) error {
				q, err := f.question(asker.Today())
				if err != nil {
					return err
				}
				answer, err := asker.Ask(c.Context(), q, o.content())
				if err != nil || answer == nil {
					return err
				}
				return a.Show(answer, &o)
			})
		},
	}
	f.add(c.Flags())
	o.AddOutput(c.Flags())
	more(c.Flags())
	return c
}

// questionFlags are the arguments and flags of a question.
type questionFlags struct {
	info   question.Info
	values map[string][]string
	days   DayFlags
}

// usage returns the arguments for help.
func (f *questionFlags) usage() string {
	var all []string
	for _, p := range f.info.Arguments() {
		name := strings.ToUpper(p.Value)
		switch {
		case p.Name == "born", p.Name == "return":
			name = strings.ToUpper(p.Name)
		case p.Kind == question.Texts:
			name += "..."
		}
		if !p.Required {
			name = "[" + name + "]"
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

// long returns the help text.
func (f *questionFlags) long() string {
	cost := "The request counts in no budget."
	switch f.info.Budget {
	case question.Query:
		cost = "It costs one request of the Query API."
	case question.Lexicon:
		cost = "It costs one request of Lexicon, which has 5 a minute."
	case question.Free:
	}
	return fmt.Sprintf("%s.\nIt opens no database. %s", f.info.Short, cost)
}

func (f *questionFlags) add(flags *pflag.FlagSet) {
	if f.info.Days != question.Undated {
		f.days.Add(flags)
		flags.Lookup("from").Usage = "first `day`: 2026-11-24, 2026-11, today, yesterday or 7d (required)"
		if f.info.Days == question.MayDated {
			flags.Lookup("from").Usage = "first `day`: 2026-11-24, 2026-11, today, yesterday or 7d (default: all days)"
		}
	}
	for _, p := range f.info.Params {
		flags.Var(&questionValue{p, f.values}, p.Name, p.Usage)
		flags.Lookup(p.Name).Hidden = p.Argument // for people used to this name
	}
}

// take parses the arguments.
func (f *questionFlags) take(c *cobra.Command, args []string) error {
	given := args
	for _, p := range f.info.Arguments() {
		n := min(1, len(args))
		if p.Kind == question.Texts {
			n = len(args)
		}
		if n > 0 && len(f.values[p.Name]) > 0 {
			break // the flag has it
		}
		for _, arg := range args[:n] {
			if err := p.Check(arg); err != nil {
				return fault.Usage(f.line(c), "%s: %w", p.Name, err)
			}
			f.values[p.Name] = append(f.values[p.Name], arg)
		}
		args = args[n:]
		if p.Required && len(f.values[p.Name]) == 0 {
			return fault.Usage(f.line(c), "%s got %s", c.CommandPath(), wording.Counted(int64(len(given)), "argument"))
		}
	}
	if len(args) > 0 {
		return fault.Usage(f.line(c), "%s got %q as well", c.CommandPath(), args[0])
	}
	return nil
}

func (f *questionFlags) line(c *cobra.Command) string {
	return strings.TrimSuffix(c.UseLine(), " [flags]")
}

// question returns the question; today is that of the project, 0 if unknown.
func (f *questionFlags) question(today day.Day) (question.Question, error) {
	q := question.Question{Name: f.info.Name, Values: f.values}
	var err error
	if f.days != (DayFlags{}) {
		if q.Days, err = f.days.Days(today); err != nil {
			return q, err
		}
	}
	return q, q.Check()
}

// questionValue is the flag value of a question's parameter.
type questionValue struct {
	question.Param
	values map[string][]string
}

// String returns the default, which is none.
func (v *questionValue) String() string { return "" }

// Set sets the value, or adds it if there can be several.
func (v *questionValue) Set(s string) error {
	if err := v.Check(s); err != nil {
		return err
	}
	if v.Kind != question.Texts {
		v.values[v.Name] = nil
	}
	v.values[v.Name] = append(v.values[v.Name], s)
	return nil
}

// Type returns the flag's value as shown in help.
func (v *questionValue) Type() string {
	if v.Kind == question.Choice {
		return strings.Join(v.Choices, "|")
	}
	return v.Value
}
