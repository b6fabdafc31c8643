package worker

import (
	"errors"
	"sync"

	"mixduck/jobs/internal/lanes"
)

var errDraining = errors.New("the worker takes no more jobs")

// turns are the turns that a worker has taken. They are safe for concurrent use.
type turns struct {
	closed chan struct{}

	mu    sync.Mutex // guards turns, and opening against closing
	turns map[lanes.Turn]bool
	all   sync.WaitGroup // one per turn
}

func newTurns() *turns {
	return &turns{closed: make(chan struct{}), turns: make(map[lanes.Turn]bool)}
}

// slots limit the number of concurrent attempts. Asynq has slots too, but frees them when Redis is unreachable for
// half a minute.
type slots chan struct{}

// take waits for a free slot and adds a turn, which must be given back. It returns false if the turn is already there,
// and an error once the worker drains.
func (d *turns) take(t lanes.Turn, s slots) (bool, error) {
	select {
	case s <- struct{}{}:
	case <-d.closed:
		return false, errDraining
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.closed:
		<-s
		return false, errDraining
	default:
	}
	if d.turns[t] {
		<-s
		return false, nil
	}
	d.turns[t] = true
	d.all.Add(1)
	return true, nil
}

func (d *turns) giveBack(t lanes.Turn, s slots) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.turns, t)
	<-s
	d.all.Done()
}

func (d *turns) has(t lanes.Turn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.turns[t]
}

// open returns the number of turns.
func (d *turns) open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.turns)
}

// close admits no more turns.
func (d *turns) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.closed)
}

// closing reports whether the worker drains.
func (d *turns) closing() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}

// idle returns a channel that is closed when all turns have been given back. The worker must be draining.
func (d *turns) idle() <-chan struct{} {
	idle := make(chan struct{})
	go func() {
		d.all.Wait()
		close(idle)
	}()
	return idle
}
