package embedredis

import (
	"bufio"
	"bytes"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// transactionState is the state of a connection between MULTI and EXEC. The commands are collected here and executed
// together at EXEC, so the journal has all of them in one record, or none.
type transactionState struct {
	open     bool
	spoiled  bool // a command was rejected, so EXEC will be too
	commands [][]string
	watched  *watch // nil if no key is watched
}

func (t *transactionState) spoil() { t.spoiled = t.open }

// transact handles commands for transactions, and commands within one.
func (c *connection) transact(class class, name string, command []string) {
	switch {
	case class == session || class == subscription:
		c.tx.spoil()
		c.peer.WriteError("ERR '" + strings.ToLower(name) + "' is not possible in a transaction")
	case class != transaction || (name == "UNWATCH" && c.tx.open):
		c.tx.commands = append(c.tx.commands, command)
		c.peer.WriteInline("QUEUED")
	case name == "WATCH":
		c.watch(command)
	case len(command) > 1:
		c.tx.spoil()
		c.peer.WriteError("ERR wrong number of arguments for '" + strings.ToLower(name) + "' command")
	case name == "UNWATCH":
		c.tx.watched = nil
		c.peer.WriteOK()
	case name == "MULTI" && c.tx.open:
		c.peer.WriteError("ERR MULTI calls can not be nested")
	case name == "MULTI":
		c.tx.open = true
		c.peer.WriteOK()
	case !c.tx.open:
		c.peer.WriteError("ERR " + name + " without MULTI")
	case name == "DISCARD":
		c.tx = transactionState{}
		c.peer.WriteOK()
	default:
		c.exec()
	}
}

func (c *connection) exec() {
	tx := c.tx
	c.tx = transactionState{}
	if tx.spoiled {
		c.peer.WriteError("EXECABORT Transaction discarded because of previous errors.")
		return
	}
	c.server.doAll(c.out, c.peer.Resp3, tx.watched, tx.commands)
}

func (c *connection) watch(command []string) {
	switch {
	case c.tx.open:
		c.peer.WriteError("ERR WATCH inside MULTI is not allowed")
		return
	case len(command) < 2:
		c.peer.WriteError("ERR wrong number of arguments for 'watch' command")
		return
	case c.tx.watched == nil:
		c.tx.watched = newWatch()
	}
	c.server.do(c.tx.watched.peer, command)
	c.peer.WriteOK()
}

// watch is a separate client that watches keys for a connection. Its EXEC shows whether one of them has changed,
// before the connection's own EXEC is written to the journal.
type watch struct {
	peer  *server.Peer
	reply *bytes.Buffer
}

func newWatch() *watch {
	var reply bytes.Buffer
	return &watch{peer: server.NewPeer(bufio.NewWriter(&reply)), reply: &reply}
}

// changed may be called only once.
func (w *watch) changed(e *engine, now time.Time) bool {
	e.run(w.peer, now, []string{"MULTI"})
	w.peer.Flush()
	w.reply.Reset()
	e.run(w.peer, now, []string{"EXEC"})
	w.peer.Flush()
	return strings.HasPrefix(w.reply.String(), "*-1")
}
