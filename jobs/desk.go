package jobs

import (
	"errors"
	"sync"
)

var errDraining = errors.New("the worker takes no more jobs")

// desk knows the turns that a worker has taken. It is safe for concurrent use.
type desk struct {
	closed chan struct{}

	mu    sync.Mutex // guards turns, and opening against closing
	turns map[turn]bool
	all   sync.WaitGroup // of turns
}

func newDesk() *desk {
	return &desk{closed: make(chan struct{}), turns: make(map[turn]bool)}
}

// slots bound the attempts at once, one each: Asynq lets go of its own when Redis is away for half a minute.
type slots chan struct{}

// take waits until one of the slots is free and enters a turn, which must be given back. It reports false if the turn is there already,
// and returns an error once the desk is closed.
func (d *desk) take(t turn, s slots) (bool, error) {
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

func (d *desk) giveBack(t turn, s slots) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.turns, t)
	<-s
	d.all.Done()
}

func (d *desk) has(t turn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.turns[t]
}

// open returns how many turns are entered.
func (d *desk) open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.turns)
}

// close lets no more turns in.
func (d *desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.closed)
}

// closing reports whether the desk is closed.
func (d *desk) closing() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}

// idle returns a channel that is closed when all turns have been given back. The desk must be closed.
func (d *desk) idle() <-chan struct{} {
	idle := make(chan struct{})
	go func() {
		d.all.Wait()
		close(idle)
	}()
	return idle
}
