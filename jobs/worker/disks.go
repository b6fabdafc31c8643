package worker

import (
	"maps"
	"sync"
	"time"

	"mixduck/jobs"
)

// diskLasts is the maximum age of published numbers: a disk that hangs has none.
const diskLasts = time.Minute

// disks measures the file systems of volumes. A disk that hangs delays neither heartbeats nor the end of the worker, and
// holds up one goroutine.
type disks struct {
	room func(volume string) (free, size uint64, err error)

	mu    sync.Mutex // guards the fields below
	busy  map[string]bool
	known map[string]jobs.Disk
}

// look returns the last numbers of the volumes, and starts to measure again.
func (d *disks) look(volumes []jobs.Volume) map[string]jobs.Disk {
	if d.room == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy == nil {
		d.busy, d.known = make(map[string]bool), make(map[string]jobs.Disk)
	}
	for _, v := range volumes {
		if !d.busy[v.Name] {
			d.busy[v.Name] = true
			go d.measure(v.Name)
		}
	}
	maps.DeleteFunc(d.known, func(_ string, disk jobs.Disk) bool { return time.Since(disk.At) > diskLasts })
	return maps.Clone(d.known)
}

func (d *disks) measure(volume string) {
	free, size, err := d.room(volume)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[volume] = false
	if err == nil {
		d.known[volume] = jobs.Disk{Free: int64(free), Size: int64(size), At: time.Now().UTC()}
	}
}
