package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/mixpanel"
	"mixduck/storage"
)

const inspectExample = `  mp inspect tables
  mp inspect coverage events --path ./h1.db`

func (a *app) inspectCommand() *cobra.Command {
	more := []*cobra.Command{a.dropCommand(), a.dropAllCommand(), a.eventsCommand(), a.propertiesCommand(), a.valuesCommand()}
	for _, c := range a.KnownQuestions("inspect", "mp", a.withAsker, noFlags) {
		if !slices.ContainsFunc(more, func(m *cobra.Command) bool { return m.Name() == c.Name() }) {
			more = append(more, c)
		}
	}
	return a.InspectCommand(inspectExample, a.withReader, addPath, more...)
}

func (a *app) dropCommand() *cobra.Command {
	return a.editCommand("drop TABLE", "Delete a table and its metadata", 1, func(ctx context.Context, e *storage.Engine, args []string) (string, error) {
		return "dropped " + args[0], e.Drop(ctx, args[0], 0)
	})
}

func (a *app) dropAllCommand() *cobra.Command {
	return a.editCommand("drop-all", "Delete all fetched tables", 0, func(ctx context.Context, e *storage.Engine, _ []string) (string, error) {
		names, err := e.DropAll(ctx, 0)
		return "dropped " + strings.Join(names, ", "), err
	})
}

// editCommand returns a command that changes the file after confirmation. The file is opened only then, so a prompt
// holds no lock.
func (a *app) editCommand(use, short string, arguments int, edit func(context.Context, *storage.Engine, []string) (string, error)) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: use, Short: short, Example: "  mp inspect " + use + " --yes",
		Args: func(c *cobra.Command, args []string) error { return console.Arguments(c, args, arguments) },
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			path, err := databasePath(c, cfg)
			if err != nil {
				return err
			}
			if _, err := os.Stat(path); err != nil {
				return &storage.NotFoundError{Path: path}
			}
			if !yes {
				if err := a.Confirm(c.Context(), strings.Join(append([]string{c.Name()}, args...), " "), path); err != nil {
					return err
				}
			}
			wait, err := c.Flags().GetDuration("lock-wait")
			if err != nil {
				return err
			}
			e, err := storage.Open(c.Context(), storage.Config{Path: path, LockWait: wait})
			if err != nil {
				return err
			}
			defer e.Close()
			done, err := edit(c.Context(), e, args)
			if err != nil {
				return err
			}
			return a.PrintLine(done)
		},
	}
	addPath(c.Flags())
	c.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	c.Flags().Duration("lock-wait", 0, "wait up to this `duration` while another program has the database open")
	return c
}

func (a *app) eventsCommand() *cobra.Command {
	return a.namesCommand("events", "Ask Mixpanel for the names of events", 0,
		func(ctx context.Context, m *mixpanel.Client, project int64, _ []string, limit int) ([]string, error) {
			return m.EventNames(ctx, project, limit)
		})
}

func (a *app) propertiesCommand() *cobra.Command {
	return a.namesCommand("properties EVENT", "Ask Mixpanel for the properties of an event", 1,
		func(ctx context.Context, m *mixpanel.Client, project int64, args []string, limit int) ([]string, error) {
			found, err := m.EventProperties(ctx, project, args[0], limit)
			names := make([]string, len(found))
			for i, p := range found {
				names[i] = p.Name
			}
			return names, err
		})
}

func (a *app) valuesCommand() *cobra.Command {
	return a.namesCommand("values EVENT PROPERTY", "Ask Mixpanel for the values of a property", 2,
		func(ctx context.Context, m *mixpanel.Client, project int64, args []string, limit int) ([]string, error) {
			return m.PropertyValues(ctx, project, args[0], args[1], limit)
		})
}

// namesCommand returns a command that asks Mixpanel for names and opens no database. 'ask' has it with more formats.
func (a *app) namesCommand(use, short string, arguments int, ask func(context.Context, *mixpanel.Client, int64, []string, int) ([]string, error)) *cobra.Command {
	var limit int
	var format *console.Choice
	c := &cobra.Command{
		Use: use, Short: short, Example: "  mp inspect " + use, Hidden: true,
		Args: func(c *cobra.Command, args []string) error { return console.Arguments(c, args, arguments) },
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 0 {
				return fault.Usage("omit it for Mixpanel's default", "--limit must not be negative, got %d", limit)
			}
			_, p, m, err := a.source(c)
			if err != nil {
				return err
			}
			names, err := ask(c.Context(), m, p.ID, args, limit)
			if err != nil {
				return err
			}
			if format.Value == console.FormatJSON {
				return a.PrintJSON(names)
			}
			for _, name := range names {
				if err := a.PrintLine(wording.Printable(name)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().IntVar(&limit, "limit", 0, "maximum `number` of results (default: Mixpanel's)")
	format = console.AddFormat(c.Flags())
	return c
}
