package jobs

import (
	"maps"
	"slices"
	"time"
)

// WorkerInfo describes a live worker.
type WorkerInfo struct {
	ID      string
	Host    string
	PID     int
	Version string
	Volumes []Volume // the volumes it serves
	Started time.Time
	HTTP    string // address of its health and metrics page; "" for none
}

// Volume is a directory of databases that a worker serves.
type Volume struct {
	Name string

	// ID identifies the directory on every machine that mounts it. At any time all workers serve the same directory
	// under one name; otherwise the rows of a database would be scattered over two files. Directories without an ID
	// are not compared.
	ID string
}

// Volumes returns the names of the volumes served by at least one of workers.
func Volumes(workers []WorkerInfo) []string {
	served := make(map[string]bool)
	for _, i := range workers {
		for _, v := range i.Volumes {
			served[v.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(served))
}
