package console

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/analysis"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/invisible"
)

const queryLong = `Run one read-only SQL statement on a database. The statement is a SELECT (or FROM,
DESCRIBE, SUMMARIZE, SHOW TABLES, EXPLAIN) in DuckDB's SQL. It can only read the
tables of this database. Use $name in the statement with --param name=value.
--question runs a ready-made statement; the command 'questions' lists them.

Tables show the first 1000 rows unless you set --limit; other formats show all.`

// QueryFlags are the flags of `query`. Each program shows those that apply.
type QueryFlags struct {
	ResultFlags
	file, known string
	params      []string
}

// QueryCommand returns the command `query`. Example shows how the program is called; more adds flags of the program.
func (a *App) QueryCommand(example string, with WithReader, more func(*pflag.FlagSet)) *cobra.Command {
	query := a.queryCommand("query [SQL]", with, more)
	query.Example = example
	again := a.queryCommand("sql [SQL]", with, more) // for people used to this name
	again.Hidden, again.Example = true, example
	query.AddCommand(again)
	return query
}

func (a *App) queryCommand(use string, with WithReader, more func(*pflag.FlagSet)) *cobra.Command {
	var f QueryFlags
	c := &cobra.Command{
		Use: use, Short: "Run a SQL query on a database", Long: queryLong, DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fault.Usage("put the statement in quotes", "%s takes one statement, but got %q as well", c.CommandPath(), args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			q, err := f.question(c.Context(), args, a.Process.Stdin, day.Of(a.Now().UTC()))
			if err != nil {
				return err
			}
			return with(c, func(r Reader) error {
				if f.known != "" {
					today, err := r.Today(c.Context())
					if err != nil {
						return err
					}
					if q, err = f.readyMade(today); err != nil {
						return err
					}
				}
				return a.ask(c.Context(), r, q, &f.ResultFlags, nil)
			})
		},
	}
	f.Add(c.Flags())
	c.Flags().StringVar(&f.file, "file", "", "read the statement from `file`, or - for stdin")
	c.Flags().StringVar(&f.known, "question", "", "run the ready-made statement with this `name`")
	c.Flags().StringArrayVar(&f.params, "param", nil, "`name=value` of a parameter $name; repeatable")
	more(c.Flags())
	return c
}

// maxStatement is the maximum size of a file with a statement, in bytes.
const maxStatement = 1 << 20

// question returns the statement. A ready-made one is only checked: its days depend on the zone of the project.
func (f *QueryFlags) question(ctx context.Context, args []string, stdin io.Reader, today day.Day) (q Question, err error) {
	given, err := f.given()
	if err != nil {
		return Question{}, err
	}
	sources := slices.DeleteFunc([]string{"the argument", "--file", "--question"}, func(s string) bool {
		return s == "the argument" && len(args) == 0 || s == "--file" && f.file == "" || s == "--question" && f.known == ""
	})
	switch {
	case len(sources) > 1:
		return Question{}, fault.Usage("use one of them", "got more than one statement: %s", strings.Join(sources, " and "))
	case f.known != "":
		return f.readyMade(today)
	case f.file != "":
		if q.SQL, err = typed(ctx, func() (string, error) { return readStatement(f.file, stdin) }); err != nil {
			return Question{}, err
		}
	case len(args) == 1:
		q.SQL = args[0]
	}
	if strings.TrimSpace(q.SQL) == "" {
		return Question{}, fault.Usage(`query "SELECT count(*) FROM events", --file FILE, or --question NAME`, "no statement given")
	}
	q.Params = map[string]string{}
	for name, values := range given {
		if len(values) > 1 {
			return Question{}, fault.Usage("set each name once", "--param %s is given twice", name)
		}
		q.Params[name] = values[0]
	}
	return q, nil
}

// given returns the values of --param by name.
func (f *QueryFlags) given() (map[string][]string, error) {
	given := map[string][]string{}
	for _, p := range f.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fault.Usage("--param plan=pro for $plan", "--param %q is not name=value", p)
		}
		given[name] = append(given[name], value)
	}
	return given, nil
}

// readyMade returns the question of [analysis] that was asked for.
func (f *QueryFlags) readyMade(today day.Day) (Question, error) {
	given, err := f.given()
	if err != nil {
		return Question{}, err
	}
	sql, values, err := analysis.Statement(f.known, given, today)
	return Question{SQL: sql, Params: values}, err
}

func readStatement(name string, stdin io.Reader) (string, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", fault.Usage("use a readable file, or - for stdin", "--file: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxStatement+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxStatement {
		return "", fault.Usage("a statement has at most 1 MiB", "--file %s is too large", name)
	}
	text, err := invisible.Decode(b)
	if err != nil {
		return "", fault.Usage("save the statement as UTF-8", "--file %s %w", name, err)
	}
	return text, nil
}
