package main

import (
	"os"

	"mixduck/storage/query"
)

// queryChild is the command with which the worker starts itself for each query. It is not for people.
const queryChild = "query-child"

// launcher starts this program as the process of a query.
func launcher() (query.Launcher, error) {
	exe, err := os.Executable()
	return query.Launcher{Exe: exe, Args: []string{queryChild}}, err
}
