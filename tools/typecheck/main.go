// Command typecheck checks that packages compile for another system, as far as that needs no C compiler: `GOOS=darwin
// go run ./tools/typecheck ./...`. It parses and type-checks all files for that system, including those that use cgo,
// and assumes that every C name exists. `go vet` cannot do this.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	patterns := os.Args[1:]
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	checked, problems, err := check(context.Background(), patterns, os.Environ())
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
	}
	if err != nil || len(problems) > 0 {
		os.Exit(1)
	}
	fmt.Printf("%d packages\n", checked)
}
