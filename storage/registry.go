package storage

import (
	"context"
	"sync"
	"time"

	"mixduck/internal/fault"
)

// registry knows the files that this process has opened: DuckDB allows one instance of a file per process.
var registry = struct {
	mu     sync.Mutex
	slots  map[instanceKey]*slot
	memory map[string]bool // names of databases in memory that are in use
}{slots: map[instanceKey]*slot{}, memory: map[string]bool{}}

type instanceKey struct {
	path     string
	readOnly bool
}

// slot holds the instance of a file while there is one. What it holds belongs to whoever is inside its door, where one
// is at a time: a file must not be opened while another goroutine opens or closes it, for closing any descriptor of a
// file drops all locks that the process has on it.
type slot struct {
	door chan struct{} // capacity 1
	inst *instance
	refs int // engines that share inst
}

func slotOf(path string, readOnly bool) *slot {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	key := instanceKey{path, readOnly}
	s := registry.slots[key]
	if s == nil {
		s = &slot{door: make(chan struct{}, 1)}
		registry.slots[key] = s
	}
	return s
}

// openingTime is for how long a goroutine that wants a file at once waits for another one that is opening it.
const openingTime = 2 * time.Second

// enter waits until no other goroutine opens or closes the file.
func (s *slot) enter(ctx context.Context, cfg Config) error {
	waitCtx, cancel := ctx, context.CancelFunc(func() {})
	if cfg.LockWait >= 0 {
		waitCtx, cancel = context.WithTimeout(ctx, max(cfg.LockWait, openingTime))
	}
	defer cancel()
	select {
	case s.door <- struct{}{}:
		return nil
	case <-waitCtx.Done():
		return lockError(ctx, cfg.Path, waitCtx.Err())
	}
}

func (s *slot) leave() { <-s.door }

// acquire returns the shared instance of a persistent file, opening it if it is the first. An instance opened for
// writing and one opened for reading exclude each other by the file lock, as those of two processes do.
func acquire(ctx context.Context, cfg Config) (*instance, error) {
	path, err := canonical(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Path = path
	s := slotOf(path, cfg.ReadOnly)
	if err := s.enter(ctx, cfg); err != nil {
		return nil, err
	}
	defer s.leave()
	if s.inst == nil {
		var lock *fileLock
		if !cfg.Shared {
			if lock, err = lockFile(ctx, path, !cfg.ReadOnly, cfg.LockWait); err != nil {
				return nil, err
			}
		}
		inst, err := openInstance(ctx, path, cfg)
		if err != nil {
			lock.unlock()
			return nil, err
		}
		inst.lock, s.inst = lock, inst
	}
	s.refs++
	return s.inst, nil
}

// release gives up one engine's share and closes the instance with the last.
func release(inst *instance) error {
	s := slotOf(inst.path, inst.readOnly)
	s.door <- struct{}{} // whoever is inside does not wait for long: the file is open
	defer s.leave()
	s.refs--
	if s.refs > 0 {
		return nil
	}
	s.inst = nil
	return inst.close()
}

// maxMemory is how many databases in memory a process can have at a time.
const maxMemory = 64

// takeMemoryName returns a name for a database in memory that keeps it apart from others, and lets it be found. The
// driver cannot read the names that DuckDB has for such; with the type of the database in front it can. DuckDB keeps
// names apart in which the type is written differently, and the n-th way has capitals where n has ones.
func takeMemoryName() (string, error) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	for n := range maxMemory {
		name := []byte("duckdb::memory:")
		for i := range 6 {
			if n>>i&1 == 1 {
				name[i] -= 'a' - 'A'
			}
		}
		if !registry.memory[string(name)] {
			registry.memory[string(name)] = true
			return string(name), nil
		}
	}
	return "", fault.Usage("close some", "%d in-memory databases are open", maxMemory)
}

// giveMemoryNameBack lets the name be taken again. Names of files do not matter to it.
func giveMemoryNameBack(name string) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	delete(registry.memory, name)
}
