package main

import (
	"strings"

	"mixduck/cmd/internal/console"
	"mixduck/jobs"
)

// shortName returns how people name a database.
func shortName(database string) string {
	return console.Printable(strings.TrimPrefix(database, jobs.DefaultVolume+"/"))
}
