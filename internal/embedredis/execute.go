package embedredis

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// scriptRun is a script that has not written anything yet, so it is not in the journal: workers poll many times a
// second with scripts that find nothing to do.
type scriptRun struct {
	now     time.Time
	command []string
	passing bool   // it has run a command whose reply may differ next time, although nothing has changed
	failure string // the error of its first write, if the journal rejected it; then it may not write anything
}

// do executes a command outside a transaction. The journal has the command before it takes effect: if writing the
// journal fails, nothing happens and the client gets an error. The reply goes to peer.
func (s *Server) do(peer *server.Peer, command []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed != nil {
		peer.WriteError("ERR " + s.crashed.Error())
		return
	}
	now := s.config.Now()
	s.age(now)
	if reply, ok := s.answers.find(command); ok && !peer.Resp3 {
		peer.WriteRaw(reply)
		return
	}
	before := s.journal.size
	if msg := s.admit(peer, now, command); msg != "" {
		peer.WriteError(msg)
		return
	}
	defer s.catch(before, command[0])
	defer func() { s.script = nil }()
	if s.script == nil || peer.Resp3 {
		s.engine.run(peer, now, command)
		return
	}
	reply := s.engine.reply(now, command)
	peer.WriteRaw(reply)
	if s.script != nil && !s.script.passing && s.script.failure == "" {
		s.answers.keep(command, reply)
	}
}

// age ages keys.
func (s *Server) age(now time.Time) {
	if s.engine.age(now) {
		s.answers.forget()
	}
}

// admit writes a command that changes stored data to the journal. If that fails, it returns an error to reply with.
func (s *Server) admit(peer *server.Peer, now time.Time, command []string) string {
	name, args := strings.ToUpper(command[0]), command[1:]
	switch classify(name, args) {
	case write:
		if s.engine.changesNothing(peer, name, args) {
			return ""
		}
		return s.write(now, command)
	case script:
		body := scriptBody(command)
		if _, known := s.engine.scripts[body]; body != "" && !known {
			return s.write(now, command) // a later EVALSHA needs the body, even if this run changes nothing
		}
		s.script = &scriptRun{now: now, command: command}
	default:
	}
	return ""
}

// beforeEach is the engine's before. It runs with mu locked, within do or doAll.
func (s *Server) beforeEach(peer *server.Peer, name string, args []string) string {
	if msg := refusal(name, args); msg != "" {
		return msg
	}
	if s.script == nil {
		return ""
	}
	switch classify(name, args) {
	case read, script: // for the latter it is the command itself
		return ""
	case write:
		if s.engine.changesNothing(peer, name, args) {
			return ""
		}
	default:
		s.script.passing = true
		return ""
	}
	if s.script.failure == "" {
		s.script.failure = s.write(s.script.now, s.script.command)
	}
	if s.script.failure != "" {
		return s.script.failure
	}
	s.script = nil
	return ""
}

// doAll executes the commands of a transaction, unless a key watched by watched has changed. The reply of its EXEC
// goes to out. watched may be nil.
func (s *Server) doAll(out io.Writer, resp3 bool, watched *watch, commands [][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed != nil {
		writeError(out, "ERR "+s.crashed.Error())
		return
	}
	now := s.config.Now()
	s.age(now)
	before := s.journal.size
	defer s.catch(before, "EXEC")
	if watched != nil && watched.changed(s.engine, now) {
		_, _ = io.WriteString(out, "*-1\r\n")
		return
	}
	for _, command := range commands {
		if c := classify(strings.ToUpper(command[0]), command[1:]); c == write || c == script {
			if msg := s.write(now, commands...); msg != "" {
				writeError(out, msg)
				return
			}
			break
		}
	}
	s.engine.runAll(out, resp3, now, commands)
}

// write appends a record to the journal. On failure it returns the Redis error to reply with, otherwise "". Without
// commands it only checks whether the journal is writable.
func (s *Server) write(now time.Time, commands ...[]string) string {
	if err := s.journal.append(s.engine.record(now, commands...).frame()); err != nil {
		s.refuse(err)
		return fmt.Sprintf("MISCONF the queue cannot write its journal, so nothing was changed: %v", err)
	}
	s.engine.aged = 0
	s.answers.forget()
	s.resume()
	return ""
}

func (s *Server) refuse(err error) {
	if s.refused == nil {
		s.log.Error("queue refuses writes: it cannot write its journal", slog.Any("err", err))
	}
	s.refused = fmt.Errorf("queue journal: %w", err)
}

func (s *Server) resume() {
	if s.refused != nil {
		s.log.Info("queue accepts writes again")
	}
	s.refused = nil
}

// catch ends the server after a panic of miniredis, which leaves the data locked. It removes the command that caused
// the panic from the journal: its client has no reply, and the panic must not repeat at every start.
func (s *Server) catch(journalSize int64, command string) {
	cause := recover()
	if cause == nil {
		return
	}
	s.crashed = fmt.Errorf("the embedded queue crashed during %s: %v", command, cause)
	s.log.Error("queue crashed", slog.String("command", command), slog.Any("err", s.crashed), slog.String("stack", string(debug.Stack())))
	if err := errors.Join(s.journal.cut(journalSize), s.journal.file.Sync()); err != nil {
		s.log.Error("could not restore the queue journal", slog.Any("err", err))
	}
	close(s.done)
	s.connections.hangUp()
}
