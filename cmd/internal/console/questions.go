package console

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/analysis"
	"mixduck/internal/fault"
)

const questionsLong = `List the ready-made questions that 'query --question' runs on the events of a
database. With NAME, show a question's parameters and its SQL, to copy and change.`

// QuestionsCommand returns the command `questions` of a program.
func (a *App) QuestionsCommand(program string) *cobra.Command {
	format := &Choice{Value: FormatText, Allowed: []string{FormatText, FormatJSON}}
	c := &cobra.Command{
		Use: "questions [NAME]", Short: "List ready-made questions about events", Long: questionsLong,
		Example: "  " + program + " questions\n  " + program + " questions funnel\n  " + program +
			" query --question funnel --param from=2026-01-01 \\\n" +
			"    --param to=2026-01-31 --param steps=Search --param steps=Purchase",
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fault.Usage(program+" questions NAME", "%s takes one name, but got %q as well", c.CommandPath(), args[1])
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listQuestions(format.Value)
			}
			q, err := analysis.Find(args[0])
			switch {
			case err != nil:
				return err
			case format.Value == FormatJSON:
				return a.PrintJSON(q)
			}
			return a.Print(questionText(q))
		},
	}
	c.Flags().Var(format, "format", "output format")
	return c
}

func (a *App) listQuestions(format string) error {
	all := analysis.Questions()
	if format == FormatJSON {
		return a.PrintJSON(all)
	}
	rows := [][]string{{"NAME", "WHAT IT ANSWERS"}}
	for _, q := range all {
		rows = append(rows, []string{q.Name, q.About})
	}
	width, _ := TerminalWidth(a.Process.Stdout)
	return a.Print(Table(rows, width))
}

// questionText describes a question for people.
func questionText(q analysis.Question) string {
	rows := [][]string{{"PARAMETER", "TYPE", "DEFAULT", "MEANING"}}
	for _, p := range q.Params {
		kind, value := p.Type, p.Default
		if len(p.Choices) > 0 {
			kind = strings.Join(p.Choices, "|")
		}
		if p.Required {
			value = "(required)"
		}
		rows = append(rows, []string{p.Name, kind, value, p.About})
	}
	return fmt.Sprintf("%s\n\n%s\n%s\n", q.About, Table(rows, 0), q.SQL)
}
