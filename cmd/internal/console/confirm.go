package console

import (
	"bufio"
	"fmt"
	"strings"

	"mixduck/internal/fault"
)

// Confirm asks a person at a terminal whether what deletes data of a database is meant. Nobody else is asked.
func (a *App) Confirm(what, database string) error {
	if _, terminal := TerminalWidth(a.Process.Stdin); !terminal {
		return fault.Usage("add --yes", "%s deletes data of %s, and nobody is there to be asked", what, database)
	}
	fmt.Fprintf(a.Process.Stderr, "%s deletes data of %s. Type yes to go on: ", what, database)
	answer, err := bufio.NewReader(a.Process.Stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return fault.New(fault.CodeFailed, "type yes, or give --yes", "nothing was deleted")
	}
	return nil
}
