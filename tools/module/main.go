// Command module changes the module's path everywhere in the tree: `go run ./tools/module example.com/acme/mixduck`.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "" {
		fmt.Fprintln(os.Stderr, "usage: make module PATH=example.com/acme/mixduck")
		os.Exit(3)
	}
	changed, err := rename(".", os.Args[1])
	for _, name := range changed {
		fmt.Println(name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}
