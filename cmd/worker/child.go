package main

import (
	"os"

	"mixduck/storage/query"
	"mixduck/storage/snapshot"
)

// The hidden commands with which the worker starts itself for each query and each snapshot.
const (
	queryChild    = "query-child"
	snapshotChild = "snapshot-child"
)

// launcher starts this program as the process of a query.
func launcher() (query.Launcher, error) {
	exe, err := os.Executable()
	return query.Launcher{Exe: exe, Args: []string{queryChild}}, err
}

// snapshotLauncher starts this program as the process that makes a snapshot.
func snapshotLauncher() (snapshot.Launcher, error) {
	exe, err := os.Executable()
	return snapshot.Launcher{Exe: exe, Args: []string{snapshotChild}}, err
}
