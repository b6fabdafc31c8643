// Command completion writes the shell completions of mixduck: `go run ./tools/completion DIRECTORY`. The programs that
// mixduck starts answer the shell's questions, so the scripts know no command.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/completion DIRECTORY")
		os.Exit(3)
	}
	dir, root := os.Args[1], &cobra.Command{Use: "mixduck"}
	err := errors.Join(
		root.GenBashCompletionFileV2(filepath.Join(dir, "mixduck.bash"), true),
		root.GenZshCompletionFile(filepath.Join(dir, "_mixduck")),
		root.GenFishCompletionFile(filepath.Join(dir, "mixduck.fish"), true),
	)
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}
