package jobs

import (
	"maps"
	"slices"
	"time"
)

// WorkerInfo describes a worker that lives.
type WorkerInfo struct {
	ID      string
	Host    string
	PID     int
	Version string
	Volumes []Volume // that it serves
	Started time.Time
	HTTP    string // where it serves health and metrics, "" for nowhere
}

// Volume is a directory of databases that a worker serves.
type Volume struct {
	Name string

	// ID tells the directory from others, on whatever machine it is mounted: no two that differ are served under one
	// name at a time, or a database's rows would be scattered over two files. Directories without an id are not compared.
	ID string
}

// Volumes returns the names of the volumes that at least one of workers serves.
func Volumes(workers []WorkerInfo) []string {
	served := make(map[string]bool)
	for _, i := range workers {
		for _, v := range i.Volumes {
			served[v.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(served))
}
