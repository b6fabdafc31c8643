package embedredis

import (
	"bufio"
	"bytes"
	"io"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

const (
	minAgingStep = time.Millisecond // keys do not age in smaller steps,
	maxAgingStep = 2 * time.Second  // nor, once somebody looks, in larger ones;
	agingShare   = 200              // between them, ageing takes one part in this many of the process's time
)

// engine is the data: a miniredis without a network, and what has to be known beside it to bring it back. It draws on
// no clock of its own, so the same commands at the same times give the same data. Not safe for concurrent use.
type engine struct {
	redis   *miniredis.Miniredis
	scripts map[string]struct{} // the bodies of all scripts that clients have sent
	clock   int64               // Unix nanoseconds up to which keys have aged
	aged    int64               // nanoseconds by which keys have aged since the last record
	cost    time.Duration       // what the last ageing took

	// before is asked about each command that is about to run, those that scripts issue included, and returns the
	// error to answer instead, or "". It is nil while the journal is replayed.
	before func(peer *server.Peer, name string, args []string) string
}

// newEngine returns an empty engine; the caller closes its redis.
func newEngine() (*engine, error) {
	e := &engine{redis: miniredis.NewMiniRedis(), scripts: map[string]struct{}{}}
	c, err := e.redis.Dial() // this is how miniredis starts without a listener
	if err != nil {
		return nil, err
	}
	_ = c.Close()
	e.redis.Server().SetPreHook(func(peer *server.Peer, name string, args ...string) bool {
		if e.before == nil {
			return false
		}
		msg := e.before(peer, name, args)
		if msg != "" {
			peer.WriteError(msg)
		}
		return msg != ""
	})
	return e, nil
}

// run carries out one command at a time; the reply goes to peer, which is not flushed.
func (e *engine) run(peer *server.Peer, now time.Time, args []string) {
	e.redis.SetTime(now.UTC())
	e.redis.Server().Dispatch(peer, args)
	if body := scriptBody(args); body != "" {
		e.scripts[body] = struct{}{}
	}
	if forgetsScripts(args) {
		clear(e.scripts)
	}
}

// reply carries out one command of a client of its own and returns the reply.
func (e *engine) reply(now time.Time, args []string) string {
	var reply bytes.Buffer
	peer := server.NewPeer(bufio.NewWriter(&reply))
	e.run(peer, now, args)
	peer.Flush()
	return reply.String()
}

// runAll carries out commands as one transaction and writes the reply of its EXEC to w.
func (e *engine) runAll(w io.Writer, resp3 bool, now time.Time, commands [][]string) {
	var replies bytes.Buffer
	peer := server.NewPeer(bufio.NewWriter(&replies))
	peer.Resp3 = resp3
	e.run(peer, now, []string{"MULTI"})
	for _, args := range commands {
		e.run(peer, now, args)
	}
	peer.Flush()
	replies.Reset()
	e.run(peer, now, []string{"EXEC"})
	peer.Flush()
	_, _ = w.Write(replies.Bytes())
}

// replay carries out a record of the journal.
func (e *engine) replay(r record) {
	if r.aged > 0 {
		e.redis.FastForward(time.Duration(r.aged))
	}
	e.clock = r.clock
	now := time.Unix(0, r.now)
	switch len(r.commands) {
	case 0:
	case 1:
		e.run(server.NewPeer(bufio.NewWriter(io.Discard)), now, r.commands[0])
	default:
		e.runAll(io.Discard, false, now, r.commands)
	}
}

// age makes keys older by the wall time that has passed, so that those whose time is up are gone. Each step visits every
// key, so steps are as fine as agingShare of the processor buys. A key written between two steps may end early by
// the part of the step that came before it, at most. A clock that was set back does not make keys younger. It reports
// whether keys have gone.
func (e *engine) age(now time.Time) bool {
	elapsed := now.UnixNano() - e.clock
	if elapsed < 0 {
		e.clock = now.UnixNano()
		return false
	}
	if elapsed < int64(min(max(minAgingStep, agingShare*e.cost), maxAgingStep)) {
		return false
	}
	start := time.Now()
	before := e.reply(now, []string{"DBSIZE"})
	e.redis.FastForward(time.Duration(elapsed))
	gone := e.reply(now, []string{"DBSIZE"}) != before
	e.cost = time.Since(start)
	e.clock = now.UnixNano()
	e.aged += elapsed
	return gone
}

// record returns the journal's entry for commands that are carried out now.
func (e *engine) record(now time.Time, commands ...[]string) record {
	return record{now: now.UnixNano(), clock: e.clock, aged: e.aged, commands: commands}
}

// changesNothing reports whether the command needs a key that is not there. peer is the one that the command is to run
// on: within a script the question must be asked under the script's own lock.
func (e *engine) changesNothing(peer *server.Peer, name string, args []string) bool {
	keys := neededKeys(name, args)
	if len(keys) == 0 {
		return false
	}
	var reply bytes.Buffer
	asker := server.NewPeer(bufio.NewWriter(&reply))
	asker.Ctx = peer.Ctx
	e.redis.Server().Dispatch(asker, append([]string{"EXISTS"}, keys...))
	asker.Flush()
	return reply.String() == ":0\r\n"
}
