// Command licences copies the licences of all modules that are included in programs: `go run ./tools/licences
// DIRECTORY PACKAGE...`. GOOS and GOARCH select the system. It fails if a module has no licence.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/licences DIRECTORY PACKAGE...")
		os.Exit(3)
	}
	if err := collect(context.Background(), os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}
