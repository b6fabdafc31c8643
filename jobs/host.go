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
	Disks   map[string]Disk // by volume; without those that do not respond
	HTTP    string          // address of its health and metrics page; "" for none
	Kinds   []Kind          // that it has handlers for; empty for workers older than this field
}

// Runs reports whether the worker runs jobs of a kind. A worker runs either jobs that publish, or all others.
func (w WorkerInfo) Runs(k Kind) bool {
	return slices.Contains(w.Kinds, KindPublish) == (k == KindPublish)
}

// Volume is a directory of databases that a worker serves.
type Volume struct {
	Name string

	// ID identifies the directory on every machine that mounts it. At any time all workers serve the same directory
	// under one name; otherwise the rows of a database would be scattered over two files. Directories without an ID
	// are not compared.
	ID string
}

// Disk describes the file system of a volume, as its worker sees it.
type Disk struct {
	Free int64     `json:"free"` // bytes
	Size int64     `json:"size"` // bytes
	At   time.Time `json:"at"`
}

// Serves reports whether at least one of workers runs jobs of a kind on the volume of a database.
func Serves(workers []WorkerInfo, database string, k Kind) bool {
	return slices.Contains(Volumes(workers, k), VolumeOf(database))
}

// Volumes returns the names of the volumes on which at least one of workers runs jobs of a kind; "" means any kind.
func Volumes(workers []WorkerInfo, k Kind) []string {
	served := make(map[string]bool)
	for _, i := range workers {
		if k != "" && !i.Runs(k) {
			continue
		}
		for _, v := range i.Volumes {
			served[v.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(served))
}
