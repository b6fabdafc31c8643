package embedredis

import (
	"net"
	"sync"
)

// maxBacklogBytes is how much may wait for a subscriber that does not read. Beyond that it is disconnected.
const maxBacklogBytes = 8 << 20

// outbox takes what is sent to a connection and never blocks: a client that does not read must not delay a command or
// the publisher of a message. Safe for concurrent use.
type outbox struct {
	conn net.Conn

	mu      sync.Mutex
	ready   sync.Cond // something is pending, or closed
	pending []byte
	limit   int // of pending; 0 means none
	closed  bool
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{conn: conn}
	o.ready.L = &o.mu
	return o
}

// Write never fails. It drops data after the end.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return len(p), nil
	}
	o.pending = append(o.pending, p...)
	if o.limit > 0 && len(o.pending) > o.limit {
		o.closed, o.pending = true, nil
		_ = o.conn.Close()
	}
	o.ready.Signal()
	return len(p), nil
}

// setLimit sets how many bytes may wait. Beyond that the connection is closed.
func (o *outbox) setLimit(bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit = bytes
}

// close makes send return as soon as it has sent all pending data.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.ready.Signal()
}

// send sends what is written until close, or until the connection fails. Then it closes the connection.
func (o *outbox) send() {
	defer func() { _ = o.conn.Close() }()
	var batch []byte
	for {
		o.mu.Lock()
		for len(o.pending) == 0 && !o.closed {
			o.ready.Wait()
		}
		batch, o.pending = o.pending, batch[:0]
		o.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		if _, err := o.conn.Write(batch); err != nil {
			o.close()
			return
		}
	}
}
