package console

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"mixduck/internal/fault"
)

// Confirm asks at the terminal for confirmation before data of a database is deleted. Without a terminal it returns an
// error.
func (a *App) Confirm(ctx context.Context, what, database string) error {
	if _, terminal := TerminalWidth(a.Process.Stdin); !terminal {
		return fault.Usage("add --yes", "%s deletes data of %s and needs confirmation", what, database)
	}
	fmt.Fprintf(a.Process.Stderr, "%s deletes data of %s. Type yes to continue: ", what, database)
	answer, err := typed(ctx, func() (string, error) { return bufio.NewReader(a.Process.Stdin).ReadString('\n') })
	if ctx.Err() != nil {
		fmt.Fprintln(a.Process.Stderr)
		return fault.New(fault.CodeInterrupted, "", "interrupted: nothing was deleted")
	}
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return fault.New(fault.CodeFailed, "type yes, or use --yes", "nothing was deleted")
	}
	return nil
}

// typed returns the result of read, or the cause of ctx if that ends first. Then read stays blocked until the process
// ends, which is soon.
func typed(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := read()
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
