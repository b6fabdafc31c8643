package console

import (
	"fmt"

	"mixduck/internal/wording"
)

// PrintedProfiles ends commands that have printed profiles as lines: it says how many on stderr, unless quiet, and returns an
// error if some could not be read.
func (a *App) PrintedProfiles(printed, unreadable int64, quiet bool) error {
	if unreadable > 0 {
		return fmt.Errorf("%s of %d cannot be read and are left out; --raw writes them", wording.Counted(unreadable, "profile"), printed+unreadable)
	}
	if !quiet {
		fmt.Fprintf(a.Process.Stderr, "%s\n", wording.Counted(printed, "profile"))
	}
	return nil
}
