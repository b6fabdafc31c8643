package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const savedLong = `The commands list and export are about the questions that people have saved on the
page.`

// questionsCommand lists ready-made questions, and those that people have saved on the page.
func (a *app) questionsCommand() *cobra.Command {
	c := a.QuestionsCommand("enqueue")
	c.AddCommand(a.savedListCommand(), a.savedExportCommand())
	c.Long += "\n" + savedLong
	c.Example += "\n  enqueue questions list\n  enqueue questions export \"Revenue by plan\" >revenue.sql"
	return c
}

// savedObject is a saved question in JSON. Fields are only ever added.
type savedObject struct {
	Name     string              `json:"name"`
	Database string              `json:"database"`
	Question string              `json:"question,omitempty"` // name of a ready-made question, instead of SQL
	SQL      string              `json:"sql,omitempty"`
	Params   map[string][]string `json:"params,omitempty"`
	SavedAt  time.Time           `json:"saved_at"`
}

func (a *app) savedListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the questions saved on the page", Example: "  enqueue questions list\n  enqueue questions list --format json",
		Args: console.NoArguments,
	}
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withQueue(c, func(q *queue.Queue) error {
			all, err := q.SavedQuestions(c.Context())
			if err != nil {
				return err
			}
			return a.printSaved(all, format.Value)
		})
	}
	return c
}

func (a *app) printSaved(all []jobs.SavedQuestion, format string) error {
	if format == console.FormatJSON {
		objects := make([]savedObject, len(all))
		for i, s := range all {
			objects[i] = savedObject{s.Name, s.Database, s.Question, s.SQL, s.Params, s.SavedAt}
		}
		return a.PrintJSON(objects)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.Process.Stderr, "no saved questions")
		return nil
	}
	rows := [][]string{{"NAME", "DATABASE", "SAVED", "WHAT"}}
	for _, s := range all {
		what := s.Question
		if what == "" {
			what = s.SQL
		}
		rows = append(rows, []string{
			wording.Printable(s.Name), wording.Printable(status.Database(s.Database)), s.SavedAt.In(a.Now().Location()).Format(time.DateTime), strings.Join(strings.Fields(wording.Printable(what)), " "),
		})
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	return a.Print(console.Table(rows, width))
}

func (a *app) savedExportCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "export NAME", Short: "Print a question saved on the page as an SQL file",
		Long: `Print a saved question as an SQL file for 'query --file'. Comments at its start have
the values of its parameters.`,
		Example: "  enqueue questions export \"Revenue by plan\" >revenue.sql\n  enqueue query --file revenue.sql --param plan=pro",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.Usage("enqueue questions list shows the names", "%s requires the name of a question", c.CommandPath())
			}
			return console.Arguments(c, args, 1)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.withQueue(c, func(q *queue.Queue) error {
			all, err := q.SavedQuestions(c.Context())
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(s jobs.SavedQuestion) bool { return s.Name == args[0] })
			if i < 0 {
				return fault.New(fault.CodeNotFound, "enqueue questions list shows the names", "there is no saved question %q", args[0])
			}
			text, err := status.SavedSQL(all[i], day.Of(a.Now().UTC()))
			if err != nil {
				return err
			}
			return a.Export(text)
		})
	}
	return c
}
