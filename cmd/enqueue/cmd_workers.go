package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const workersLong = `Show the workers that are running: their host, version, volumes with the free space
of their disks, and how long they have been running. A worker that died is shown for
another 15 seconds.`

const workersExample = `  enqueue workers
  enqueue workers --format json`

// workerObject is a worker in --format json. Fields are only ever added.
type workerObject struct {
	ID        string         `json:"id"`
	Host      string         `json:"host"`
	PID       int            `json:"pid"`
	Version   string         `json:"version"`
	StartedAt *time.Time     `json:"started_at"`
	HTTP      string         `json:"http"` // address of health, metrics and the page; "" for none
	Volumes   []volumeObject `json:"volumes"`
}

// volumeObject is a volume of a worker. The numbers are null if the disk does not respond.
type volumeObject struct {
	Name      string     `json:"name"`
	FreeBytes *int64     `json:"free_bytes"`
	SizeBytes *int64     `json:"size_bytes"`
	At        *time.Time `json:"at"` // when they were measured
}

func (a *app) workersCommand() *cobra.Command {
	c := &cobra.Command{Use: "workers", Short: "Show running workers, their volumes and free space", Long: workersLong, Example: workersExample, Args: console.NoArguments}
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withQueue(c, func(q *queue.Queue) error {
			workers, err := q.Workers(c.Context())
			if err != nil {
				return err
			}
			return a.printWorkers(workers, format.Value)
		})
	}
	return c
}

func (a *app) printWorkers(workers []jobs.WorkerInfo, format string) error {
	if format == console.FormatJSON {
		objects := make([]workerObject, len(workers))
		for i, w := range workers {
			objects[i] = newWorkerObject(w)
		}
		return a.PrintJSON(objects)
	}
	if len(workers) == 0 {
		fmt.Fprintln(a.Process.Stderr, "no worker is running")
		return nil
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	return a.Print(console.Table(workerRows(workers, a.Now()), width))
}

func newWorkerObject(w jobs.WorkerInfo) workerObject {
	o := workerObject{
		ID: w.ID, Host: w.Host, PID: w.PID, Version: w.Version, StartedAt: timeOrNull(w.Started), HTTP: w.HTTP, Volumes: []volumeObject{},
	}
	for _, v := range w.Volumes {
		volume := volumeObject{Name: v.Name}
		if d, known := w.Disks[v.Name]; known {
			volume.FreeBytes, volume.SizeBytes, volume.At = &d.Free, &d.Size, timeOrNull(d.At)
		}
		o.Volumes = append(o.Volumes, volume)
	}
	return o
}

// workerRows returns a heading and a row for each worker.
func workerRows(workers []jobs.WorkerInfo, now time.Time) [][]string {
	rows := [][]string{{"ID", "HOST", "VERSION", "RUNNING", "VOLUMES"}}
	for _, w := range workers {
		var volumes []string
		for _, v := range w.Volumes {
			volumes = append(volumes, v.Name+": "+roomOf(w, v.Name))
		}
		rows = append(rows, []string{
			w.ID, wording.Printable(w.Host), wording.Printable(w.Version), wording.ShortTime(max(0, now.Sub(w.Started))), strings.Join(volumes, ", "),
		})
	}
	return rows
}

// roomOf describes the free space of a worker's volume.
func roomOf(w jobs.WorkerInfo, volume string) string {
	d, known := w.Disks[volume]
	if !known {
		return "free space unknown"
	}
	return fmt.Sprintf("%.1f of %.1f GB free", float64(d.Free)/1e9, float64(d.Size)/1e9)
}
