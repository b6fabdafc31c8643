// Package console contains what the command lines for the queue and for a single file share: output and formats, input
// of days, and commands that read a database. It knows neither the queue nor DuckDB.
package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/suite"
	"mixduck/internal/cli"
	"mixduck/internal/fault"
)

// App is what all commands share.
type App struct {
	Process *cli.Process
	Now     func() time.Time

	// Explain can return a text for an error that replaces the usual one, in whole lines. It may be nil.
	Explain func(error) (text string, ok bool)
}

// Run executes the command line of the process with root and returns the exit code.
func (a *App) Run(ctx context.Context, root *cobra.Command) int {
	a.Process.Stderr = screen{a.Process.Stderr}
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(completionCommand(root.Name()))
	setHelp(root)
	root.SetFlagErrorFunc(FlagError)
	suite.Join(root, a.Process.Name)
	root.SetArgs(append([]string{}, a.Process.Args...)) // nil would mean os.Args
	root.SetIn(a.Process.Stdin)
	root.SetOut(a.Process.Stdout) // help and completions, which contain no data
	root.SetErr(a.Process.Stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil || ctx.Err() == nil:
	case errors.Is(err, context.Canceled):
		err = fault.New(fault.CodeInterrupted, fault.HintOf(err), "interrupted")
	case fault.CodeOf(err) == fault.CodeFailed:
		err = fault.New(fault.CodeInterrupted, "", "interrupted: %w", err)
	}
	if a.Explain != nil {
		if text, ok := a.Explain(err); ok {
			fmt.Fprint(a.Process.Stderr, a.Spell(text))
			return fault.CodeOf(err).Exit()
		}
	}
	return a.Fail(err)
}

// Fail prints an error with its hint and returns its exit code, 0 for no error.
func (a *App) Fail(err error) int {
	if hint := fault.HintOf(err); hint != "" {
		err = fault.New(fault.CodeOf(err), a.Spell(hint), "%w", err)
	}
	return cli.Fail(a.Process.Stderr, err)
}

// Spell returns a text in which commands are spelled for how this program was started.
func (a *App) Spell(text string) string { return suite.Spell(a.Process.Name, text) }
