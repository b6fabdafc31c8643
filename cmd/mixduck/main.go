// Command mixduck starts the programs of Mixduck under one name, as git does: `mixduck worker run` is `worker run`.
// Packages install only mixduck into the directory for programs, and the others into a separate directory.
package main

import (
	"os"
	"syscall"

	"mixduck/internal/cli"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	self, err := os.Executable()
	if err != nil {
		return cli.Fail(os.Stderr, err)
	}
	d := dispatcher{dirs: directories(os.Getenv(libexec), self), exec: syscall.Exec}
	return cli.Fail(os.Stderr, d.run(os.Args[1:], os.Environ(), os.Stdout))
}
