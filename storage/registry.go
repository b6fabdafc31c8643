package storage

import (
	"context"
	"sync"
	"time"

	"mixduck/internal/fault"
)

// registry contains the files that this process has open, because DuckDB allows one instance of a file per process.
var registry = struct {
	mu     sync.Mutex
	slots  map[instanceKey]*slot
	memory map[string]bool // used names of in-memory databases
}{slots: map[instanceKey]*slot{}, memory: map[string]bool{}}

type instanceKey struct {
	path     string
	readOnly bool
}

// slot holds the instance of a file while it is open. Only the goroutine that has entered the door may use its fields.
// A file must not be opened while another goroutine opens or closes it: closing any descriptor of a file drops all
// locks of the process on it.
type slot struct {
	door chan struct{} // capacity 1
	inst *instance
	refs int // number of engines that share inst
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

// openingTime is how long a goroutine that does not want to wait still waits for another one to open the file.
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

// tryEnter enters if nobody else has.
func (s *slot) tryEnter() bool {
	select {
	case s.door <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *slot) leave() { <-s.door }

// acquire returns the shared instance of a persistent file, and opens it if necessary. Instances for reading and for
// writing exclude each other through the file lock, as in two processes.
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

// release drops one engine's share, and closes the instance with the last one.
func release(inst *instance) error {
	s := slotOf(inst.path, inst.readOnly)
	s.door <- struct{}{} // this does not wait long, because the file is open
	defer s.leave()
	s.refs--
	if s.refs > 0 {
		return nil
	}
	s.inst = nil
	return inst.close()
}

// maxMemory is the maximum number of in-memory databases of a process.
const maxMemory = 64

// takeMemoryName returns a unique name for an in-memory database. The driver cannot parse DuckDB's own names for
// these, but it can if the database type comes first. DuckDB distinguishes names by the case of that type, so the n-th
// name has capitals where n has one bits.
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

// giveMemoryNameBack makes the name available again. It ignores the names of files.
func giveMemoryNameBack(name string) {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	delete(registry.memory, name)
}
