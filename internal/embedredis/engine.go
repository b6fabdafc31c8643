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
	minAgingStep = time.Millisecond // minimum step in which keys age
	maxAgingStep = 2 * time.Second  // maximum step, if anything is read
	agingShare   = 200              // in between, aging takes one part in this many of the process's time
)

// engine holds the data: a miniredis without a network, and the state needed to restore it. It has no clock, so the
// same commands at the same times produce the same data. Not safe for concurrent use.
type engine struct {
	redis   *miniredis.Miniredis
	scripts map[string]struct{} // bodies of all scripts sent by clients
	clock   int64               // keys have aged up to this time, in Unix nanoseconds
	aged    int64               // how much keys have aged since the last record, in nanoseconds
	cost    time.Duration       // duration of the last aging

	// before is called for each command that is about to run, including those within scripts. It returns an error to
	// reply with, or "". It is nil during replay of the journal.
	before func(peer *server.Peer, name string, args []string) string
}

// newEngine returns an empty engine. The caller must close its redis.
func newEngine() (*engine, error) {
	e := &engine{redis: miniredis.NewMiniRedis(), scripts: map[string]struct{}{}}
	c, err := e.redis.Dial() // this starts miniredis without a listener
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

// run executes one command. The reply goes to peer and is not flushed.
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

// reply executes a command for a separate client and returns the reply.
func (e *engine) reply(now time.Time, args []string) string {
	var reply bytes.Buffer
	peer := server.NewPeer(bufio.NewWriter(&reply))
	e.run(peer, now, args)
	peer.Flush()
	return reply.String()
}

// runAll executes commands as one transaction and writes the reply of its EXEC to w.
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

// replay executes a record of the journal.
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

// age ages keys by the elapsed wall time, so that expired keys disappear. Each step visits every key, so the steps are
// as small as agingShare of the CPU time allows. A key written between two steps can expire early by at most the part
// of the step before it. If the clock was set back, keys do not get younger. It reports whether keys have expired.
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

// record returns the journal record for commands executed now.
func (e *engine) record(now time.Time, commands ...[]string) record {
	return record{now: now.UnixNano(), clock: e.clock, aged: e.aged, commands: commands}
}

// changesNothing reports whether the command needs a key that does not exist. peer is the peer that will run the
// command: within a script, the check must happen under the script's lock.
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
