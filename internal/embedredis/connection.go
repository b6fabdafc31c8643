package embedredis

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
)

// connections is the set of open connections. The zero value is an empty set that accepts connections until it is
// closed.
type connections struct {
	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	ended  sync.WaitGroup
}

// serve serves a client in separate goroutines until either side ends the connection. It reports whether the set still
// accepted connections; if not, it has closed c.
func (cs *connections) serve(s *Server, c net.Conn) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		_ = c.Close()
		return false
	}
	if cs.open == nil {
		cs.open = map[net.Conn]struct{}{}
	}
	cs.open[c] = struct{}{}
	out := newOutbox(c)
	conn := &connection{server: s, in: bufio.NewReader(c), out: out, peer: server.NewPeer(bufio.NewWriter(out))}
	cs.ended.Go(conn.serve)
	cs.ended.Go(func() {
		out.send() // returns after conn.serve has, or makes it return
		cs.mu.Lock()
		defer cs.mu.Unlock()
		delete(cs.open, c)
	})
	return true
}

// hangUp ends all connections and accepts no more. It does not wait.
func (cs *connections) hangUp() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for c := range cs.open {
		_ = c.Close()
	}
}

// close ends all connections and waits for them.
func (cs *connections) close() {
	cs.hangUp()
	cs.ended.Wait()
}

// connection is the connection of one client. It belongs to the goroutine that serves it.
type connection struct {
	server *Server
	in     *bufio.Reader
	out    *outbox
	peer   *server.Peer // miniredis's state of the client; its replies go to out
	tx     transactionState

	subscribed bool // permanent: the connection accepts no other commands
}

func (c *connection) serve() {
	defer c.out.close()
	for !c.peer.Closed() {
		command, err := readCommand(c.in)
		if errors.Is(err, errProtocol) {
			writeError(c.out, err.Error())
		}
		if err != nil {
			break
		}
		if len(command) > 0 {
			c.handle(command)
			c.peer.Flush()
		}
	}
	if c.subscribed { // miniredis cannot detect that the client is gone
		c.server.do(c.peer, []string{"PUNSUBSCRIBE"})
		c.server.do(c.peer, []string{"UNSUBSCRIBE"})
	}
}

func (c *connection) handle(command []string) {
	name, args := strings.ToUpper(command[0]), command[1:]
	class := classify(name, args)
	if c.subscribed && class != subscription && name != "PING" && name != "QUIT" {
		c.peer.WriteError("ERR this connection is subscribed: it accepts only (P)SUBSCRIBE, (P)UNSUBSCRIBE, PING and QUIT")
		return
	}
	if msg := refusal(name, args); msg != "" {
		c.tx.spoil()
		c.peer.WriteError(msg)
		return
	}
	if class == transaction || c.tx.open {
		c.transact(class, name, command)
		return
	}
	if name == "SUBSCRIBE" || name == "PSUBSCRIBE" {
		c.subscribed = true
		c.out.setLimit(maxBacklogBytes)
	}
	c.server.do(c.peer, command)
}

// writeError writes a Redis error; message must be a single line.
func writeError(w io.Writer, message string) {
	_, _ = io.WriteString(w, "-"+strings.ReplaceAll(message, "\n", " ")+"\r\n")
}
