package workspace

import (
	"sync"
	"time"

	"mixduck/storage"
)

// Kept holds what a fetch has downloaded but could not load, because another program had the database open. The next call with
// the same job loads it instead of requesting it again. The zero value is ready to use; a nil *Kept holds nothing.
type Kept struct {
	mu       sync.Mutex
	windows  []keptWindow
	harvests []keptHarvest
}

// keptWindow is a window of events with its response.
type keptWindow struct {
	window window
	resp   *response
}

// keptHarvest is what has come for a table of a stream.
type keptHarvest struct {
	table    storage.Keyed
	harvest  harvest
	since    time.Time // of the refresh, see [refreshing.since]
	requests int
	bytes    int64
}

// Empty reports whether nothing is kept.
func (k *Kept) Empty() bool {
	if k == nil {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.windows) == 0 && len(k.harvests) == 0
}

// Drop forgets everything and deletes the files of windows. The next fetch deletes the other files.
func (k *Kept) Drop() {
	for _, w := range k.takeWindows() {
		w.resp.remove()
	}
	k.takeHarvests()
}

// keepWindow reports whether the response is kept. Otherwise the caller deletes it.
func (k *Kept) keepWindow(w window, resp *response) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.windows = append(k.windows, keptWindow{w, resp})
	return true
}

func (k *Kept) takeWindows() []keptWindow {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.windows
	k.windows = nil
	return taken
}

func (k *Kept) keepHarvest(h keptHarvest) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.harvests = append(k.harvests, h)
}

func (k *Kept) takeHarvests() []keptHarvest {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.harvests
	k.harvests = nil
	return taken
}
