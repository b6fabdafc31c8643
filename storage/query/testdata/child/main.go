// Command child is the process that a query runs in, for tests under the race detector: with it their own binary is slow to
// start, and takes more memory than a query may.
package main

import (
	"context"
	"os"

	"mixduck/storage/query"
)

func main() { os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr)) }
